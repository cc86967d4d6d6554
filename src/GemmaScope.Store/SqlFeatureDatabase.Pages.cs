using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using GemmaScope.Features.Exchange;

namespace GemmaScope.Store;

/// <summary>What is stored as bytes and JSON; whatever it holds, reading it ends in a page or in an error that names the record.</summary>
internal sealed partial class SqlFeatureDatabase
{
    public DashboardSource Source(StoredDictionary dictionary) =>
        Read(statement =>
            Decoded(
                $"the description of {dictionary.Model}/{dictionary.Name}",
                () => ReadSource(statement, dictionary) ?? throw Gone(dictionary),
                DashboardForm.Problems
            )
        );

    private DashboardSource? ReadSource(SqlStatements statement, StoredDictionary dictionary) =>
        statement
            .Rows(
                """
                SELECT d.model, d.set_name, d.layer, d.hook, d.bos, d.pad, c.name, c.sequences, c.positions, c.counted, c.longest, v.pieces
                FROM dictionary d JOIN corpus c ON c.id = d.corpus JOIN vocabulary v ON v.id = d.vocabulary
                WHERE d.id = @id AND d.description = @description
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
                    Pieces = Vocabulary((byte[])row.GetValue(11)),
                },
                ("id", dictionary.Id),
                ("description", dictionary.Description)
            )
            .FirstOrDefault();

    public FeaturePage? Page(StoredDictionary dictionary, int feature) => ReadPage(dictionary, feature, whole: false);

    public FeaturePage? WholePage(StoredDictionary dictionary, int feature) => ReadPage(dictionary, feature, whole: true);

    public IReadOnlyList<int[]> Passages(StoredDictionary dictionary) =>
        Read(statement =>
        {
            var corpus = statement.Number("SELECT corpus FROM dictionary WHERE id = @id", ("id", dictionary.Id)) ?? 0;
            return statement.Rows(
                "SELECT tokens FROM passage WHERE id >= @first AND id < @end ORDER BY id",
                row => Decoded($"a passage of {dictionary.Model}/{dictionary.Name}", () => PageCodec.DecodeTokens((byte[])row.GetValue(0))),
                ("first", Key(corpus, 0)),
                ("end", Key(corpus + 1, 0))
            );
        });

    public IReadOnlyList<FeaturePage> Pages(StoredDictionary dictionary, IReadOnlyList<int> features) =>
        features.Count == 0
            ? []
            : Read(statement =>
                features.Select(feature => ReadPage(statement, dictionary, feature, whole: false)).OfType<FeaturePage>().ToArray()
            );

    private FeaturePage? ReadPage(StoredDictionary dictionary, int feature, bool whole) =>
        Read(statement => ReadPage(statement, dictionary, feature, whole));

    private FeaturePage? ReadPage(SqlStatements statement, StoredDictionary dictionary, int feature, bool whole)
    {
        // While a build begins it anew, a reader has pages of the one that it found, or an error: never those of the other.
        var found = statement.Rows(
            """
            SELECT page, labels, note FROM page WHERE id = @id
                AND EXISTS (SELECT 1 FROM dictionary WHERE dictionary.id = @dictionary AND description = @description)
            """,
            row => ((byte[])row.GetValue(0), row.GetString(1), row.GetString(2)),
            ("id", Key(dictionary.Id, feature)),
            ("dictionary", dictionary.Id),
            ("description", dictionary.Description)
        );
        // Without a page there are only labels and a note, which wait for one.
        if (found is not [var (bytes, labels, note)] || bytes.Length == 0)
            return null;
        return Decoded(
            $"the page of feature {feature} of {dictionary.Model}/{dictionary.Name}",
            () => new FeaturePage(Page(statement, dictionary, bytes, labels, whole), note),
            page =>
                page.Feature.Dashboard.Feature == feature
                    ? DashboardForm.Problems(page.Feature)
                    : [new("dashboard.feature", $"must be {feature}, found {page.Feature.Dashboard.Feature}")]
        );
    }

    private static LabelledDashboard Page(SqlStatements statement, StoredDictionary dictionary, byte[] bytes, string labels, bool whole)
    {
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
        return new LabelledDashboard(dashboard, Labels(labels));
    }

    /// <summary>A record of the database. It may be damaged, and one of an earlier version of this program may hold what is refused
    /// today.</summary>
    private T Decoded<T>(string record, Func<T> decode, Func<T, IEnumerable<FieldProblem>>? problems = null)
    {
        T decoded;
        try
        {
            decoded = decode();
        }
        catch (Exception problem)
            when (problem
                    is CorruptException
                        or JsonException
                        or InvalidDataException
                        or InvalidCastException
                        or InvalidOperationException
                        or OverflowException
            )
        {
            throw Damaged(problem.Message, problem);
        }
        return problems?.Invoke(decoded).FirstOrDefault() is { } found ? throw Damaged($"'{found.Field}' {found.Problem}") : decoded;

        GemmaScopeException Damaged(string what, Exception? cause = null) =>
            new($"{record} is damaged ({what}); build or import the dictionary again", _dialect.Location, cause);
    }

    /// <summary>Labels as they are stored; whether they are some is for whoever names the record to find out.</summary>
    private static FeatureLabel[] Labels(string json) => JsonSerializer.Deserialize<FeatureLabel[]>(json) ?? [];

    /// <summary>The pieces of a vocabulary: some 256,000, which all dictionaries of a model share.</summary>
    private string[] Vocabulary(byte[] packed) => _vocabularies.GetOrAdd(Convert.ToHexString(SHA256.HashData(packed)), _ => Pieces(packed));

    private static string[] Pieces(byte[] packed)
    {
        using var stream = new DeflateStream(new MemoryStream(packed), CompressionMode.Decompress);
        using var unpacked = new MemoryStream();
        stream.CopyTo(unpacked);
        var bytes = new CompactReader(unpacked.GetBuffer().AsSpan(0, (int)unpacked.Length));
        var pieces = new string[bytes.Length()];
        for (var i = 0; i < pieces.Length; i++)
            pieces[i] = bytes.Text();
        return pieces;
    }
}
