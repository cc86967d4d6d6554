namespace GemmaScope.Store;

internal sealed partial class SqlFeatureDatabase
{
    public IReadOnlyList<FeatureList> Lists() =>
        Read(statement =>
        {
            var entries = statement
                .Rows(
                    """
                    SELECT e.list, d.model, d.name, e.feature, e.note
                    FROM list_entry e JOIN dictionary d ON d.id = e.feature / 4294967296 ORDER BY e.list, e.place
                    """,
                    row =>
                        (
                            List: row.GetInt64(0),
                            Entry: new FeatureListEntry(
                                row.GetString(1),
                                row.GetString(2),
                                (int)(row.GetInt64(3) & uint.MaxValue),
                                row.GetString(4)
                            )
                        )
                )
                .ToLookup(entry => entry.List, entry => entry.Entry);
            return statement.Rows(
                "SELECT id, name, note FROM list ORDER BY name",
                row => new FeatureList(row.GetInt64(0), row.GetString(1), row.GetString(2), [.. entries[row.GetInt64(0)]])
            );
        });

    public long SaveList(string name, string note)
    {
        if (string.IsNullOrWhiteSpace(name))
            throw new ArgumentProblemException("is empty; give the list a name", "name");
        return Change(statement =>
        {
            var id = statement.Number("SELECT id FROM list WHERE name = @name", ("name", name)) ?? Next(statement, "list");
            statement.Run(
                "INSERT INTO list (id, name, note) VALUES (@id, @name, @note) ON CONFLICT (id) DO UPDATE SET note = excluded.note",
                ("id", id),
                ("name", name),
                ("note", note)
            );
            return id;
        });
    }

    public void AddToList(long list, StoredDictionary dictionary, int feature, string note) =>
        Change(statement =>
        {
            var key = Key(dictionary.Id, feature);
            if (statement.Number("SELECT id FROM feature WHERE id = @id", ("id", key)) is null)
                throw new ArgumentProblemException($"has no feature {feature}", dictionary.Name);
            if (statement.Number("SELECT id FROM list WHERE id = @id", ("id", list)) is null)
                throw new ArgumentProblemException($"there is no list {list}", "list");
            var place = (statement.Number("SELECT MAX(place) FROM list_entry WHERE list = @list", ("list", list)) ?? 0) + 1;
            return statement.Run(
                """
                INSERT INTO list_entry (list, feature, place, note) VALUES (@list, @feature, @place, @note)
                ON CONFLICT (list, feature) DO UPDATE SET note = excluded.note
                """,
                ("list", list),
                ("feature", key),
                ("place", place),
                ("note", note)
            );
        });

    public void RemoveFromList(long list, StoredDictionary dictionary, int feature) =>
        Change(statement =>
            statement.Run(
                "DELETE FROM list_entry WHERE list = @list AND feature = @feature",
                ("list", list),
                ("feature", Key(dictionary.Id, feature))
            )
        );

    public void DeleteList(long list) =>
        Change(statement =>
        {
            statement.Run("DELETE FROM list_entry WHERE list = @list", ("list", list));
            return statement.Run("DELETE FROM list WHERE id = @list", ("list", list));
        });
}
