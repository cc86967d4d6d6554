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
    private readonly ConcurrentDictionary<string, string[]> _vocabularies = [];

    public SqlFeatureDatabase(ISqlDialect dialect)
    {
        _dialect = dialect;
        try
        {
            Guarded(() =>
            {
                var connection = dialect.Open();
                try
                {
                    // From here on the file that was opened is known.
                    dialect.RequireThere();
                    if (Schema.IsCurrent(connection))
                        return 0;
                }
                finally
                {
                    End(connection);
                }
                return InTransaction((connection, transaction) => Schema.Migrate(connection, transaction, dialect));
            });
        }
        catch
        {
            dialect.Dispose();
            throw;
        }
    }

    public IReadOnlyList<StoredDictionary> Dictionaries() => [.. AllDictionaries().Where(IsSound)];

    public IReadOnlyList<string> DamagedDictionaries() =>
        [.. AllDictionaries().Where(one => !IsSound(one)).Select(one => $"{one.Model}/{one.Name}")];

    private StoredDictionary[] AllDictionaries() =>
        Read(statement => statement.Rows($"SELECT {DictionaryColumns} FROM dictionary ORDER BY model, name", Dictionary));

    public IDisposable Reserve(IEnumerable<(string Model, string Name)> dictionaries)
    {
        var taken = new Reservations();
        try
        {
            // In one order, so that of two who want the same some gets all.
            foreach (var name in dictionaries.Select(one => $"{one.Model}/{one.Name}").Distinct().Order(StringComparer.Ordinal))
                taken.Add(Guarded(() => _dialect.Reserve(name)));
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

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
                statement.Number(
                    "SELECT corpus FROM dictionary WHERE id = @id AND description = @description",
                    ("id", dictionary.Id),
                    ("description", dictionary.Description)
                ) ?? throw Gone(dictionary);
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
        Change(statement =>
            statement.Run(
                "UPDATE dictionary SET complete = 1 WHERE id = @id AND description = @description",
                ("id", dictionary.Id),
                ("description", dictionary.Description)
            ) == 0
                ? throw Gone(dictionary)
                : 0
        );

    public void Delete(StoredDictionary dictionary) =>
        Change(statement =>
        {
            Delete(statement, dictionary, keepUsers: false);
            return 0;
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

    private GemmaScopeException Gone(StoredDictionary dictionary) =>
        new($"the dictionary {dictionary.Name} is not there any more, or was begun anew", _dialect.Location);

    /// <summary>Dictionaries that one job writes.</summary>
    private sealed class Reservations : IDisposable
    {
        private readonly Stack<IDisposable> _taken = [];

        public void Add(IDisposable one) => _taken.Push(one);

        public void Dispose()
        {
            while (_taken.TryPop(out var one))
                one.Dispose();
        }
    }

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

    /// <summary>A dictionary; one that has numbers that cannot be is readable too, so that it can be replaced.</summary>
    private static StoredDictionary Dictionary(DbDataReader row)
    {
        return new(row.GetInt64(0), row.GetString(1), row.GetString(2), Number(3), Number(4), row.GetInt64(5) != 0, row.GetString(6));

        int Number(int column) => row.GetInt64(column) is >= 0 and <= int.MaxValue and var number ? (int)number : -1;
    }

    private static bool IsSound(StoredDictionary one) =>
        one.Width is > 0 and <= DashboardForm.LargestWidth && one.Features >= 0 && one.Features <= one.Width;

    /// <summary>The key of a feature, or of a passage.</summary>
    private static long Key(long owner, int index) => (owner << 32) + (uint)index;

    /// <summary>A text that LIKE takes as it is.</summary>
    private static string Literal(string text) =>
        text.ToLowerInvariant()
            .Replace("!", "!!", StringComparison.Ordinal)
            .Replace("%", "!%", StringComparison.Ordinal)
            .Replace("_", "!_", StringComparison.Ordinal);

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
                    End(reader);
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
            T result = default!;
            InTransaction((connection, transaction) => result = change(new SqlStatements(connection, transaction)));
            return result;
        });

    private int InTransaction(Action<DbConnection, DbTransaction> change)
    {
        _dialect.RequireThere();
        var connection = _dialect.Open();
        DbTransaction? transaction = null;
        try
        {
            transaction = connection.BeginTransaction();
            change(connection, transaction);
            transaction.Commit();
            return 0;
        }
        finally
        {
            End(transaction);
            End(connection);
        }
    }

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
            throw new GemmaScopeException(_dialect.Explain(problem), _dialect.Location, problem);
        }
        catch (Exception problem) when (problem is InvalidCastException or OverflowException or FormatException)
        {
            throw new GemmaScopeException(
                $"holds a value of another kind than this program writes ({problem.Message}); build or import the dictionary again",
                _dialect.Location,
                problem
            );
        }
    }
}
