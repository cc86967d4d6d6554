using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;

namespace GemmaScope.Store;

/// <summary>The database on either engine. Each call has a connection of its own; those that read keep their prepared statements for the
/// next call.</summary>
internal sealed partial class SqlFeatureDatabase : IFeatureDatabase
{
    private const string DictionaryColumns = "id, model, name, width, features, complete, description";

    /// <summary>Letters of a label that are looked for at most.</summary>
    private const int LongestLabel = 1000;

    /// <summary>Features that are looked up by one statement; a text of few lengths is prepared once.</summary>
    private const int TogetherLookedUp = 16;

    private static readonly string LookUp =
        "SELECT id, count, density, max, label, score FROM feature WHERE id IN ("
        + string.Join(", ", Enumerable.Range(0, TogetherLookedUp).Select(i => $"@id{i}"))
        + ") ORDER BY id";

    private readonly ISqlDialect _dialect;
    private readonly ConcurrentBag<SqlStatements> _readers = [];

    public SqlFeatureDatabase(ISqlDialect dialect)
    {
        _dialect = dialect;
        try
        {
            Guarded(() =>
            {
                using var connection = dialect.Open();
                Schema.Migrate(connection, dialect);
                dialect.RequireThere();
                return 0;
            });
        }
        catch
        {
            dialect.Dispose();
            throw;
        }
    }

    public IReadOnlyList<StoredDictionary> Dictionaries() =>
        Read(statement => statement.Rows($"SELECT {DictionaryColumns} FROM dictionary ORDER BY model, name", Dictionary));

    public StoredDictionary Begin(DashboardSource source, string name, int width, string description) =>
        Change(statement =>
        {
            var found = statement.Rows(
                $"SELECT {DictionaryColumns} FROM dictionary WHERE model = @model AND name = @name",
                Dictionary,
                ("model", source.Model),
                ("name", name)
            );
            if (found is [{ } same] && same.Description == description && same.Width == width)
                return same;
            // The same features over another text keep their keys, and with them what users wrote.
            var before = found.FirstOrDefault(other => other.Width == width);
            foreach (var other in found)
                Delete(statement, other, keepUsers: other == before);
            var pieces = Pieces(source.Pieces);
            var (vocabulary, corpus) = (Vocabulary(statement, pieces), Corpus(statement, source, description));
            var id = before?.Id ?? Next(statement, "dictionary");
            statement.Run(
                """
                INSERT INTO dictionary (
                    id, model, name, width, features, complete, description, set_name, layer, hook, bos, pad, corpus, vocabulary)
                VALUES (@id, @model, @name, @width, 0, 0, @description, @set, @layer, @hook, @bos, @pad, @corpus, @vocabulary)
                """,
                ("id", id),
                ("model", source.Model),
                ("name", name),
                ("width", (long)width),
                ("description", description),
                ("set", source.Set),
                ("layer", (long)source.Layer),
                ("hook", source.Hook),
                ("bos", (long?)source.Bos),
                ("pad", (long?)source.Pad),
                ("corpus", corpus),
                ("vocabulary", vocabulary)
            );
            return new StoredDictionary(id, source.Model, name, width, 0, false, description);
        });

    public void Write(StoredDictionary dictionary, IReadOnlyList<LabelledDashboard> features)
    {
        var source = Source(dictionary);
        Change(statement =>
        {
            var corpus =
                statement.Number("SELECT corpus FROM dictionary WHERE id = @id", ("id", dictionary.Id))
                ?? throw new GemmaScopeException($"the dictionary {dictionary.Name} is not there any more", _dialect.Location);
            foreach (var feature in features)
                WriteFeature(statement, dictionary, corpus, feature, source);
            var end = features.Count == 0 ? 0 : features.Max(feature => feature.Dashboard.Feature) + 1L;
            return statement.Run(
                "UPDATE dictionary SET features = CASE WHEN features < @end THEN @end ELSE features END WHERE id = @id",
                ("end", end),
                ("id", dictionary.Id)
            );
        });
    }

    public void Complete(StoredDictionary dictionary) =>
        Change(statement => statement.Run("UPDATE dictionary SET complete = 1 WHERE id = @id", ("id", dictionary.Id)));

    public void Delete(StoredDictionary dictionary) =>
        Change(statement =>
        {
            Delete(statement, dictionary, keepUsers: false);
            return 0;
        });

    public DashboardSource Source(StoredDictionary dictionary) =>
        Read(statement =>
            statement.Rows(
                """
                SELECT d.model, d.set_name, d.layer, d.hook, d.bos, d.pad, c.name, c.sequences, c.positions, c.counted, c.longest, v.pieces
                FROM dictionary d JOIN corpus c ON c.id = d.corpus JOIN vocabulary v ON v.id = d.vocabulary WHERE d.id = @id
                """,
                row => new DashboardSource
                {
                    Model = row.GetString(0),
                    Set = row.GetString(1),
                    Layer = row.GetInt32(2),
                    Hook = row.IsDBNull(3) ? null : row.GetString(3),
                    Bos = row.IsDBNull(4) ? null : row.GetInt32(4),
                    Pad = row.IsDBNull(5) ? null : row.GetInt32(5),
                    Text = row.GetString(6),
                    Corpus = new(row.GetInt32(7), row.GetInt64(8), row.GetInt64(9), row.GetInt32(10)),
                    Pieces = Pieces((byte[])row.GetValue(11)),
                },
                ("id", dictionary.Id)
            )
                is [var source]
                ? source
                : throw new GemmaScopeException($"the dictionary {dictionary.Name} is not there any more", _dialect.Location)
        );

    public FeaturePage? Page(StoredDictionary dictionary, int feature) => ReadPage(dictionary, feature, whole: false);

    public FeaturePage? WholePage(StoredDictionary dictionary, int feature) => ReadPage(dictionary, feature, whole: true);

    public IReadOnlyList<int[]> Passages(StoredDictionary dictionary) =>
        Read(statement =>
        {
            var corpus = statement.Number("SELECT corpus FROM dictionary WHERE id = @id", ("id", dictionary.Id)) ?? 0;
            return statement.Rows(
                "SELECT tokens FROM passage WHERE id >= @first AND id < @end ORDER BY id",
                row => PageCodec.DecodeTokens((byte[])row.GetValue(0)),
                ("first", Key(corpus, 0)),
                ("end", Key(corpus + 1, 0))
            );
        });

    /// <summary>Bytes of a stored page on average; 0 where there is none.</summary>
    public double MeanPageBytes() =>
        Read(statement =>
            statement.Rows(
                "SELECT COUNT(*), COALESCE(SUM(LENGTH(page)), 0) FROM page WHERE LENGTH(page) > 0",
                row => row.GetInt64(0) is > 0 and var count ? Convert.ToDouble(row.GetValue(1), CultureInfo.InvariantCulture) / count : 0
            )[0]
        );

    public IReadOnlyList<FeatureRow> Table(StoredDictionary dictionary, FeatureFilter filter) =>
        filter.LabelContains is { Length: > LongestLabel } letters
            ? throw new ArgumentProblemException($"has {letters.Length} letters; {LongestLabel} are the most", "label")
            : Read(statement =>
                statement.Rows(
                    """
                    SELECT id, count, density, max, label, score FROM feature
                    WHERE id >= @first AND id < @end AND density >= @low AND density <= @high
                        AND (@label = '' OR LOWER(COALESCE(label, '')) LIKE @label ESCAPE '!')
                    ORDER BY id LIMIT @take OFFSET @skip
                    """,
                    Row,
                    ("first", Key(dictionary.Id, 0)),
                    ("end", Key(dictionary.Id + 1, 0)),
                    ("low", filter.LowestDensity),
                    ("high", filter.HighestDensity),
                    ("label", filter.LabelContains is { Length: > 0 } part ? $"%{Literal(part)}%" : ""),
                    ("take", (long)filter.Take),
                    ("skip", (long)filter.Skip)
                )
            );

    public IReadOnlyList<FeatureRow> Rows(StoredDictionary dictionary, IReadOnlyList<int> features) =>
        features.Count == 0
            ? []
            : Read(statement =>
                Rows(statement, [.. features.Select(feature => Key(dictionary.Id, feature))]).Select(found => found.Row).ToArray()
            );

    public string Version() => Guarded(_dialect.Version);

    public void Dispose()
    {
        while (_readers.TryTake(out var reader))
            reader.Dispose();
        _dialect.Dispose();
    }

    private FeaturePage? ReadPage(StoredDictionary dictionary, int feature, bool whole) =>
        Read(statement =>
        {
            var found = statement.Rows(
                "SELECT page, labels, note FROM page WHERE id = @id",
                row => ((byte[])row.GetValue(0), row.GetString(1), row.GetString(2)),
                ("id", Key(dictionary.Id, feature))
            );
            // Without a page there are only labels and a note, which wait for one.
            if (found is not [var (bytes, labels, note)] || bytes.Length == 0)
                return null;
            var corpus = whole ? statement.Number("SELECT corpus FROM dictionary WHERE id = @id", ("id", dictionary.Id)) ?? 0 : 0;
            var dashboard = PageCodec.Decode(
                bytes,
                !whole
                    ? null
                    : sequence =>
                        statement.Rows(
                            "SELECT tokens FROM passage WHERE id = @id",
                            row => PageCodec.DecodeTokens((byte[])row.GetValue(0)),
                            ("id", Key(corpus, sequence))
                        )
                            is [var tokens]
                            ? tokens
                            : null
            );
            return new FeaturePage(new LabelledDashboard(dashboard, Labels(labels)), note);
        });

    /// <summary>The lines of these keys in their order; those that are not there are left out.</summary>
    private static (long Key, FeatureRow Row)[] Rows(SqlStatements statement, long[] keys)
    {
        var found = new Dictionary<long, FeatureRow>(keys.Length);
        var values = new (string, object?)[TogetherLookedUp];
        foreach (var part in keys.Chunk(TogetherLookedUp))
        {
            for (var i = 0; i < values.Length; i++)
                values[i] = ($"id{i}", part[Math.Min(i, part.Length - 1)]);
            foreach (var (key, row) in statement.Rows(LookUp, row => (row.GetInt64(0), Row(row)), values))
                found[key] = row;
        }
        return [.. keys.Where(found.ContainsKey).Select(key => (key, found[key]))];
    }

    private static FeatureRow Row(DbDataReader row) =>
        new(
            (int)(row.GetInt64(0) & uint.MaxValue),
            row.GetInt64(1),
            row.GetDouble(2),
            row.GetDouble(3),
            row.IsDBNull(4) ? null : row.GetString(4),
            row.IsDBNull(5) ? null : row.GetDouble(5)
        );

    private static StoredDictionary Dictionary(DbDataReader row) =>
        new(row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetInt32(3), row.GetInt32(4), row.GetInt64(5) != 0, row.GetString(6));

    /// <summary>The key of a feature, or of a passage.</summary>
    private static long Key(long owner, int index) => (owner << 32) + (uint)index;

    /// <summary>A text that LIKE takes as it is.</summary>
    private static string Literal(string text) =>
        text.ToLowerInvariant()
            .Replace("!", "!!", StringComparison.Ordinal)
            .Replace("%", "!%", StringComparison.Ordinal)
            .Replace("_", "!_", StringComparison.Ordinal);

    private static FeatureLabel[] Labels(string json)
    {
        var labels = JsonSerializer.Deserialize<FeatureLabel[]>(json) ?? [];
        return labels.Any(label => label is not { Text: not null }) ? throw new JsonException("a label lacks its text") : labels;
    }

    private T Read<T>(Func<SqlStatements, T> read) =>
        Guarded(() =>
        {
            _dialect.RequireThere();
            if (!_readers.TryTake(out var reader))
                reader = new SqlStatements(_dialect.Open()).Asking();
            var kept = false;
            try
            {
                var result = ReadBounds.Current is { } bounds
                    ? bounds.Run(_dialect.Location, reader.Interrupt, () => read(reader))
                    : read(reader);
                // One that was interrupted when it was done already would fail whoever has it next.
                kept = _dialect.KeepsReaders && !reader.IsInterrupted;
                return result;
            }
            // What a damaged file has where a page, a label or a number should be.
            catch (Exception problem) when (IsDamage(problem))
            {
                throw new GemmaScopeException(
                    "what is stored is damaged; build or import the dictionary again, or restore the file from a copy",
                    _dialect.Location,
                    problem
                );
            }
            finally
            {
                if (kept)
                    _readers.Add(reader);
                else
                    reader.Dispose();
            }
        });

    private static bool IsDamage(Exception problem) =>
        problem
            is JsonException
                or InvalidDataException
                or InvalidCastException
                or IndexOutOfRangeException
                or OverflowException
                or FormatException
                or ArgumentException
                or (InvalidOperationException and not ObjectDisposedException)
                or (GemmaScopeException { Location: null or "" } and not ArgumentProblemException);

    private T Change<T>(Func<SqlStatements, T> change) =>
        Guarded(() =>
        {
            _dialect.RequireThere();
            var connection = _dialect.Open();
            DbTransaction? transaction = null;
            try
            {
                transaction = connection.BeginTransaction();
                var result = change(new SqlStatements(connection, transaction));
                transaction.Commit();
                return result;
            }
            finally
            {
                End(transaction);
                End(connection);
            }
        });

    /// <summary>On a full disk SQLite undoes a transaction by itself, and complains when it is to be undone again; that must not hide what
    /// was wrong.</summary>
    private static void End(IDisposable? used)
    {
        try
        {
            used?.Dispose();
        }
        catch (DbException)
        {
            // What was wrong is thrown already.
        }
    }

    private T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (DbException problem)
        {
            throw new GemmaScopeException(
                string.Create(CultureInfo.InvariantCulture, $"the database says: {problem.Message}{_dialect.Cure(problem)}"),
                _dialect.Location,
                problem
            );
        }
    }
}
