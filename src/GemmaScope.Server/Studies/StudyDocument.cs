using System.Text.Json;

namespace GemmaScope.Server.Studies;

/// <summary>
/// The result of any study, taken apart into tables: every list of objects is one, and so is every list of numbers beside what it is of. So
/// studies need nothing of their own for a reader to come from their numbers to the prompts behind them.
/// </summary>
/// <param name="result">The result.</param>
internal sealed class StudyDocument(JsonElement result)
{
    /// <summary>The whole result.</summary>
    public JsonElement Result => result;

    /// <summary>Its tables.</summary>
    public IReadOnlyList<StudyTable> Tables => field ??= new StudyTables(result).Tables;

    /// <summary>A table by its name, or null.</summary>
    public StudyTable? Table(string name) => Tables.FirstOrDefault(one => one.Name == name);

    /// <summary>The table of what was measured for each prompt that lies behind a row of another one, and what picks its rows; null where
    /// there is none.</summary>
    public (StudyTable Table, IReadOnlyList<(string Column, string Value)> Where)? Behind(StudyTable table, StudyCell[] row)
    {
        if (table.IsOfPrompts)
            return null;
        foreach (var other in Tables.Where(one => one.IsOfPrompts && one.Name != "prompts"))
        {
            (string Column, string Value)[] where =
            [
                .. other
                    .Columns.Where(other.Keys.Contains)
                    .Where(column => table.IndexOf(column) >= 0)
                    .Select(column => (column, row[table.IndexOf(column)].Text)),
            ];
            if (where.Length > 0 && other.Rows.Any(one => where.All(pair => one[other.IndexOf(pair.Column)].Text == pair.Value)))
                return (other, where);
        }
        return null;
    }
}

/// <summary>Takes a result apart.</summary>
internal sealed class StudyTables
{
    private const int MostRows = 200_000,
        Deepest = 16;

    private readonly Dictionary<string, Growing> _growing = [];
    private readonly Dictionary<(string Set, string Id), Dictionary<string, StudyCell>> _prompts = [];
    private readonly Dictionary<string, List<string>> _order = [];

    public StudyTables(JsonElement result)
    {
        Learn(result);
        Walk(result, "", [], 0);
        Tables =
        [
            .. _growing
                // What only says what the rows of another table are of is no table of its own, unless it lists prompts.
                .Where(one =>
                    one.Value.Has(StudyTable.Id)
                    || !_growing.Any(other =>
                        other.Key.StartsWith(one.Key + ".", StringComparison.Ordinal) && other.Value.HasAllOf(one.Value)
                    )
                )
                .Select(one => one.Value.Finish(one.Key)),
        ];
    }

    /// <summary>The tables, in the order of the result.</summary>
    public IReadOnlyList<StudyTable> Tables { get; }

    /// <summary>The prompts, by the set and name they have.</summary>
    private void Learn(JsonElement result)
    {
        if (result.ValueKind != JsonValueKind.Object || !result.TryGetProperty("prompts", out var prompts) || !IsOfObjects(prompts))
            return;
        foreach (var prompt in prompts.EnumerateArray())
        {
            var cells = Scalars(prompt, "").ToDictionary();
            if (!cells.TryGetValue("id", out var id))
                return;
            var set = cells.GetValueOrDefault("set").Text ?? "";
            _prompts[(set, id.Text)] = cells;
            // Where prompts are of sets, a list that is of none is as long as all of them only by chance.
            if (!_order.TryGetValue(set, out var list))
                _order[set] = list = [];
            list.Add(id.Text);
        }
    }

    private void Walk(JsonElement from, string path, List<KeyValuePair<string, StudyCell>> around, int depth)
    {
        if (depth > Deepest || from.ValueKind != JsonValueKind.Object)
            return;
        foreach (var property in from.EnumerateObject())
        {
            var name = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
            if (IsOfObjects(property.Value))
                Elements(property.Value, name, around, depth + 1);
            else if (property.Value.ValueKind == JsonValueKind.Object)
                Walk(property.Value, name, around, depth + 1);
        }
    }

    private void Elements(JsonElement list, string path, List<KeyValuePair<string, StudyCell>> around, int depth)
    {
        foreach (var element in list.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Object)
                continue;
            List<KeyValuePair<string, StudyCell>> own = [.. Scalars(element, "")];
            // What it is of says also what stands within it is of; means of its own do not.
            List<KeyValuePair<string, StudyCell>> keys = [.. around, .. own.Where(one => !one.Key.Contains('.', StringComparison.Ordinal))];
            if (own.Count > 0)
                Table(path).Add(around, [.. own, .. TextOf([.. around, .. own])]);
            foreach (var lists in Lists(element).GroupBy(one => one.Value.GetArrayLength()))
                Each(path, keys, [.. lists]);
            Walk(element, path, keys, depth);
        }
    }

    /// <summary>Lists of numbers side by side: a row for each place, with the prompt of that place where there are as many.</summary>
    private void Each(string path, List<KeyValuePair<string, StudyCell>> keys, KeyValuePair<string, JsonElement>[] lists)
    {
        var count = lists[0].Value.GetArrayLength();
        var set = keys.LastOrDefault(one => one.Key == "set").Value.Text ?? "";
        var prompts = _order.GetValueOrDefault(set);
        var fits = prompts?.Count == count;
        var table = Table($"{path}.{(fits ? "each" : lists[0].Key)}");
        JsonElement[][] values = [.. lists.Select(one => one.Value.EnumerateArray().ToArray())];
        for (var i = 0; i < count; i++)
        {
            List<KeyValuePair<string, StudyCell>> cells = [];
            if (fits)
            {
                cells.Add(new(StudyTable.Prompt, new(null, prompts![i])));
                cells.AddRange(lists.Select((one, k) => new KeyValuePair<string, StudyCell>(one.Key, Cell(values[k][i]))));
                cells.AddRange(Texts(_prompts[(set, prompts[i])]));
            }
            else
            {
                cells.Add(new("place", StudyCell.Of(i)));
                cells.AddRange(lists.Select((one, k) => new KeyValuePair<string, StudyCell>(one.Key, Cell(values[k][i]))));
            }
            table.Add(keys, cells);
        }
    }

    private Growing Table(string name)
    {
        if (!_growing.TryGetValue(name, out var table))
            _growing[name] = table = new();
        return table;
    }

    /// <summary>The text of the prompt that a row names.</summary>
    private IEnumerable<KeyValuePair<string, StudyCell>> TextOf(List<KeyValuePair<string, StudyCell>> row)
    {
        var id = row.FirstOrDefault(one => one.Key is StudyTable.Prompt or StudyTable.Id).Value.Text;
        if (id is null || row.Any(one => one.Key is StudyTable.Text))
            return [];
        var set = row.LastOrDefault(one => one.Key == "set").Value.Text ?? "";
        return _prompts.TryGetValue((set, id), out var prompt) ? Texts(prompt) : [];
    }

    // Not what else is said of a prompt: a reply may be that of another run.
    private static IEnumerable<KeyValuePair<string, StudyCell>> Texts(Dictionary<string, StudyCell> prompt) =>
        prompt.GetValueOrDefault(StudyTable.Text) is { Text.Length: > 0 } text ? [new(StudyTable.Text, text)] : [];

    /// <summary>Numbers and texts of an object, and of the objects in it under their names: <c>score.mean</c>.</summary>
    private static IEnumerable<KeyValuePair<string, StudyCell>> Scalars(JsonElement from, string path, int depth = 0)
    {
        if (depth > Deepest)
            yield break;
        foreach (var property in from.EnumerateObject())
        {
            var name = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
            if (property.Value.ValueKind == JsonValueKind.Object)
                foreach (var inner in Scalars(property.Value, name, depth + 1))
                    yield return inner;
            else if (property.Value.ValueKind != JsonValueKind.Array)
                yield return new(name, Cell(property.Value));
        }
    }

    /// <summary>Lists of numbers and texts that an object holds.</summary>
    private static IEnumerable<KeyValuePair<string, JsonElement>> Lists(JsonElement from) =>
        from.EnumerateObject()
            .Where(one =>
                one.Value.ValueKind == JsonValueKind.Array
                && one.Value.GetArrayLength() > 0
                && one.Value.EnumerateArray().All(value => value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
            )
            .Select(one => KeyValuePair.Create(one.Name, one.Value));

    private static bool IsOfObjects(JsonElement list) =>
        list.ValueKind == JsonValueKind.Array
        && list.GetArrayLength() > 0
        && list.EnumerateArray().All(one => one.ValueKind is JsonValueKind.Object or JsonValueKind.Null);

    private static StudyCell Cell(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Number => StudyCell.Of(value.GetDouble()),
            JsonValueKind.String => new(null, value.GetString()!),
            JsonValueKind.True => new(1, "yes"),
            JsonValueKind.False => new(0, "no"),
            _ => StudyCell.None,
        };

    /// <summary>A table whose columns come with its rows.</summary>
    private sealed class Growing
    {
        private readonly List<string> _columns = [];
        private readonly Dictionary<string, int> _places = [];
        private readonly HashSet<string> _keys = [];
        private readonly List<StudyCell[]> _rows = [];
        private bool _isCut;

        public bool Has(string column) => _places.ContainsKey(column);

        public bool HasAllOf(Growing other) => other._columns.All(_places.ContainsKey);

        public void Add(List<KeyValuePair<string, StudyCell>> keys, List<KeyValuePair<string, StudyCell>> cells)
        {
            if (_rows.Count == MostRows)
            {
                _isCut = true;
                return;
            }
            foreach (var (name, _) in keys)
                _keys.Add(name);
            foreach (var (name, _) in keys.Concat(cells))
                if (_places.TryAdd(name, _columns.Count))
                    _columns.Add(name);
            var row = new StudyCell[_columns.Count];
            Array.Fill(row, StudyCell.None);
            // What is nearer says more than what stands around it.
            foreach (var (name, cell) in keys.Concat(cells))
                row[_places[name]] = cell;
            _rows.Add(row);
        }

        public StudyTable Finish(string name)
        {
            // Columns that came late are missing in the first rows.
            for (var i = 0; i < _rows.Count; i++)
                if (_rows[i].Length < _columns.Count)
                    _rows[i] = [.. _rows[i], .. Enumerable.Repeat(StudyCell.None, _columns.Count - _rows[i].Length)];
            return new(name, _columns, _keys, _rows, _isCut);
        }
    }
}
