using GemmaScope.Text;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace GemmaScope.Workbench;

/// <summary>A column that holds documents, as far as one row group of it.</summary>
internal interface IParquetColumn
{
    /// <summary>The rows of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="before">Rows of the groups before.</param>
    IEnumerable<TextRow> Rows(ParquetRowGroupReader group, long before);
}

/// <summary>The columns of a file that may hold documents: strings, lists of whole numbers, lists of messages.</summary>
internal sealed class ParquetColumns(IReadOnlyList<DataField> fields)
{
    private static readonly string[] RoleNames = ["role", "from"];
    private static readonly string[] ContentNames = ["content", "value", "text"];

    /// <summary>Their names.</summary>
    public IEnumerable<string> Names => fields.Select(Root).Distinct().Where(name => Find(name) is not null);

    /// <summary>A column by its name, or null.</summary>
    public IParquetColumn? Find(string name)
    {
        if (fields.FirstOrDefault(field => field.Path.ToString() == name) is { } flat)
            return IsText(flat) && flat.MaxRepetitionLevel == 0 ? new Texts(flat) : null;
        DataField[] parts = [.. fields.Where(field => Root(field) == name && field.MaxRepetitionLevel == 1)];
        return parts is [var only] && IsNumber(only) ? new Ids(only)
            : Part(parts, RoleNames) is { } role && Part(parts, ContentNames) is { } content ? new Conversations(role, content)
            : null;
    }

    private static string Root(DataField field) => field.Path.FirstPart!;

    private static DataField? Part(DataField[] parts, string[] names) =>
        names
            .Select(name => Array.Find(parts, part => IsText(part) && part.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
            .FirstOrDefault(part => part is not null);

    private static bool IsText(DataField field) => field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>);

    private static bool IsNumber(DataField field) =>
        field.ClrType == typeof(int) || field.ClrType == typeof(long) || field.ClrType == typeof(uint) || field.ClrType == typeof(short);

    // The file is local: what the package offers only as asynchronous ends before it returns.
    private static T Wait<T>(ValueTask<T> reading) => reading.AsTask().GetAwaiter().GetResult();

    private sealed class Texts(DataField field) : IParquetColumn
    {
        public IEnumerable<TextRow> Rows(ParquetRowGroupReader group, long before)
        {
            var texts = new string?[group.RowCount];
            group.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
            foreach (var (i, text) in texts.Index())
                yield return text is null
                    ? TextRow.Bad($"row {before + i + 1} has no text in '{field.Path}'")
                    : TextRow.Of(text, $"row {before + i + 1}");
        }
    }

    private sealed class Ids(DataField field) : IParquetColumn
    {
        public IEnumerable<TextRow> Rows(ParquetRowGroupReader group, long before)
        {
            foreach (var (i, list) in Lists(group, field, Number).Index())
            {
                var where = $"row {before + i + 1}";
                yield return list is null || list.Exists(id => id is null or < int.MinValue or > int.MaxValue)
                    ? TextRow.Bad($"{where} has no token ids in '{Root(field)}'")
                    : TextRow.Of([.. list.Select(id => (int)id!.Value)], where);
            }
        }

        private static long? Number(RawColumnData data, int at) =>
            data switch
            {
                RawColumnData<int> numbers => numbers.Values[at],
                RawColumnData<long> numbers => numbers.Values[at],
                RawColumnData<uint> numbers => numbers.Values[at],
                RawColumnData<short> numbers => numbers.Values[at],
                _ => null,
            };
    }

    private sealed class Conversations(DataField role, DataField content) : IParquetColumn
    {
        public IEnumerable<TextRow> Rows(ParquetRowGroupReader group, long before)
        {
            foreach (var (i, (roles, contents)) in Lists(group, role, Letters).Zip(Lists(group, content, Letters)).Index())
            {
                var where = $"row {before + i + 1}";
                yield return roles is null || contents is null || roles.Contains(null) || contents.Contains(null)
                    ? TextRow.Bad($"{where} has no messages in '{Root(role)}'")
                    : TextRow.OfConversation(
                        roles.Zip(contents, (who, what) => (who!, (IReadOnlyList<ChatPart>)[ChatPart.Of(what!)])),
                        where
                    );
            }
        }

        private static string? Letters(RawColumnData data, int at) =>
            data switch
            {
                RawColumnData<ReadOnlyMemory<char>> texts => texts.Values[at].ToString(),
                _ => null,
            };
    }

    /// <summary>The lists of a column, from its levels (Dremel): at repetition level 0 a row begins; below the highest definition level
    /// there is no value, at 0 no list, at 1 an empty one.</summary>
    private static List<List<T?>?> Lists<T>(ParquetRowGroupReader group, DataField field, Func<RawColumnData, int, T?> valueAt)
    {
        using var data = Wait(group.ReadRawColumnDataBaseAsync(field));
        var (rows, next) = (new List<List<T?>?>(), 0);
        for (var i = 0; i < data.RepetitionLevels.Length; i++)
        {
            var level = data.DefinitionLevels[i];
            if (data.RepetitionLevels[i] == 0)
                rows.Add(level == 0 ? null : []);
            if (level == field.MaxDefinitionLevel)
                rows[^1]!.Add(valueAt(data, next++));
            else if (level > 1)
                rows[^1]!.Add(default);
        }
        return rows;
    }
}
