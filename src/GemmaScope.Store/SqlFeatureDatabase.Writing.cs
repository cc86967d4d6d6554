using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GemmaScope.Features.Exchange;

namespace GemmaScope.Store;

internal sealed partial class SqlFeatureDatabase
{
    /// <summary>Examples whose marked words can be searched.</summary>
    private const int SearchedExamples = 10;

    public void AddLabels(StoredDictionary dictionary, IEnumerable<(int Feature, FeatureLabel Label)> labels) =>
        Change(statement =>
        {
            foreach (var group in labels.GroupBy(entry => entry.Feature))
            {
                var key = Key(dictionary.Id, group.Key);
                var stored = statement.Rows("SELECT labels FROM page WHERE id = @id", row => row.GetString(0), ("id", key));
                if (stored is not [var before])
                    throw new ArgumentProblemException($"has no feature {group.Key}; a label needs one", dictionary.Name);
                var earlier = Decoded(
                    $"what is said of feature {group.Key} of {dictionary.Model}/{dictionary.Name}",
                    () => Labels(before),
                    DashboardForm.Labels
                );
                WriteLabels(statement, key, Merged(earlier, group.Select(entry => entry.Label)));
            }
            return 0;
        });

    /// <summary>Labels with further ones, each in the place of its author's and method's earlier one; the best first.</summary>
    private static IReadOnlyList<FeatureLabel> Merged(IEnumerable<FeatureLabel> before, IEnumerable<FeatureLabel> more)
    {
        var all = before.ToList();
        foreach (var label in more)
        {
            all.RemoveAll(other => other.Author == label.Author && other.Method == label.Method);
            all.Add(label);
        }
        return FeatureLabel.BestFirst(all);
    }

    public void SetNote(StoredDictionary dictionary, int feature, string note)
    {
        if (
            Change(statement =>
                statement.Run("UPDATE page SET note = @note WHERE id = @id", ("note", note), ("id", Key(dictionary.Id, feature)))
            ) == 0
        )
            throw new ArgumentProblemException($"has no feature {feature}", dictionary.Name);
    }

    private static void WriteLabels(SqlStatements statement, long key, IReadOnlyList<FeatureLabel> labels)
    {
        statement.Run("UPDATE page SET labels = @labels WHERE id = @id", ("labels", JsonSerializer.Serialize(labels)), ("id", key));
        statement.Run(
            "UPDATE feature SET label = @label, score = @score WHERE id = @id",
            ("label", First(labels)?.Text),
            ("score", First(labels)?.Score),
            ("id", key)
        );
        statement.Run($"UPDATE words SET labels = @labels WHERE {statement.WordsKey} = @id", ("labels", Joined(labels)), ("id", key));
    }

    /// <summary>Labels that stay when a feature is written anew; nothing is left of damaged ones.</summary>
    private static FeatureLabel[] LabelsIfReadable(string json)
    {
        try
        {
            var labels = Labels(json);
            return DashboardForm.Labels(labels).Any() ? [] : labels;
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static FeatureLabel? First(IReadOnlyList<FeatureLabel> labels) => labels.Count > 0 ? labels[0] : null;

    private static string Joined(IEnumerable<FeatureLabel> labels) => string.Join('\n', labels.Select(label => label.Text));

    private void WriteFeature(
        SqlStatements statement,
        StoredDictionary dictionary,
        long corpus,
        LabelledDashboard feature,
        DashboardSource source
    )
    {
        var (one, key) = (feature.Dashboard, Key(dictionary.Id, feature.Dashboard.Feature));
        if ((uint)one.Feature >= (uint)dictionary.Width)
            throw new ArgumentProblemException($"has {dictionary.Width} features and no {one.Feature}", dictionary.Name);
        var before = statement.Rows("SELECT labels FROM page WHERE id = @id", row => row.GetString(0), ("id", key));
        var labels = Merged(before is [var written] ? LabelsIfReadable(written) : [], feature.Labels);
        foreach (var example in one.Examples)
            statement.Run(
                "INSERT INTO passage (id, tokens) VALUES (@id, @tokens) ON CONFLICT (id) DO NOTHING",
                ("id", Key(corpus, example.Sequence)),
                ("tokens", PageCodec.EncodeTokens(example.Tokens))
            );
        statement.Run(
            """
            INSERT INTO feature (id, count, density, max, label, score) VALUES (@id, @count, @density, @max, @label, @score)
            ON CONFLICT (id) DO UPDATE SET count = excluded.count, density = excluded.density, max = excluded.max,
                label = excluded.label, score = excluded.score
            """,
            ("id", key),
            ("count", one.Count),
            ("density", one.Density),
            ("max", (double)one.Max),
            ("label", First(labels)?.Text),
            ("score", First(labels)?.Score)
        );
        statement.Run(
            """
            INSERT INTO page (id, page, labels, note) VALUES (@id, @page, @labels, '')
            ON CONFLICT (id) DO UPDATE SET page = excluded.page, labels = excluded.labels
            """,
            ("id", key),
            ("page", PageCodec.Encode(one)),
            ("labels", JsonSerializer.Serialize(labels))
        );
        var tokens = (one.Logits?.Top ?? [])
            .Select(score => score.Token)
            .Concat(
                one.Examples.Where(example => example.Interval < 0)
                    .Take(SearchedExamples)
                    .Select(example => example.Tokens[example.Position])
            );
        statement.Run(
            _dialect.WriteWords,
            ("id", key),
            ("labels", Joined(labels)),
            ("tokens", Searchable(tokens.Distinct().Select(source.Piece)))
        );
    }

    /// <summary>Words of a vocabulary as text: the mark of a space is one.</summary>
    private static string Searchable(IEnumerable<string> pieces) => string.Join(' ', pieces).Replace('▁', ' ').Replace('\0', ' ');

    /// <summary>Deletes a dictionary. What users wrote (labels, notes, places in lists) may be kept for one of the same number.</summary>
    private static void Delete(SqlStatements statement, StoredDictionary dictionary, bool keepUsers)
    {
        (string, object?)[] range = [("first", Key(dictionary.Id, 0)), ("end", Key(dictionary.Id + 1, 0))];
        if (!keepUsers)
            statement.Run("DELETE FROM list_entry WHERE feature >= @first AND feature < @end", range);
        statement.Run($"DELETE FROM words WHERE {statement.WordsKey} >= @first AND {statement.WordsKey} < @end", range);
        statement.Run($"DELETE FROM page WHERE id >= @first AND id < @end{(keepUsers ? " AND labels = '[]' AND note = ''" : "")}", range);
        if (keepUsers)
            statement.Run("UPDATE page SET page = @nothing WHERE id >= @first AND id < @end", [("nothing", Array.Empty<byte>()), .. range]);
        statement.Run("DELETE FROM evaluation WHERE dictionary = @id", ("id", dictionary.Id));
        statement.Run("DELETE FROM feature WHERE id >= @first AND id < @end", range);
        statement.Run("DELETE FROM dictionary WHERE id = @id", ("id", dictionary.Id));
        foreach (
            var corpus in statement.Rows("SELECT id FROM corpus WHERE id NOT IN (SELECT corpus FROM dictionary)", row => row.GetInt64(0))
        )
        {
            statement.Run("DELETE FROM passage WHERE id >= @first AND id < @end", ("first", Key(corpus, 0)), ("end", Key(corpus + 1, 0)));
            statement.Run("DELETE FROM corpus WHERE id = @id", ("id", corpus));
        }
        statement.Run("DELETE FROM vocabulary WHERE id NOT IN (SELECT vocabulary FROM dictionary)");
    }

    private static long Vocabulary(SqlStatements statement, byte[] pieces)
    {
        var hash = Convert.ToHexString(SHA256.HashData(pieces));
        if (statement.Number("SELECT id FROM vocabulary WHERE hash = @hash", ("hash", hash)) is { } known)
            return known;
        var id = Next(statement, "vocabulary");
        statement.Run(
            "INSERT INTO vocabulary (id, hash, pieces) VALUES (@id, @hash, @pieces)",
            ("id", id),
            ("hash", hash),
            ("pieces", pieces)
        );
        return id;
    }

    /// <summary>The corpus that dictionaries of one build share.</summary>
    private static long Corpus(SqlStatements statement, DashboardSource source, string description)
    {
        var (corpus, hash) = (
            source.Corpus,
            Convert.ToHexString(
                SHA256.HashData(Encoding.UTF8.GetBytes($"{source.Model}\n{source.Text}\n{source.Corpus}\n{source.CorpusId ?? description}"))
            )
        );
        if (statement.Number("SELECT id FROM corpus WHERE hash = @hash", ("hash", hash)) is { } known)
            return known;
        var id = Next(statement, "corpus");
        statement.Run(
            """
            INSERT INTO corpus (id, name, hash, sequences, positions, counted, longest)
            VALUES (@id, @name, @hash, @sequences, @positions, @counted, @longest)
            """,
            ("id", id),
            ("name", source.Text),
            ("hash", hash),
            ("sequences", (long)corpus.Sequences),
            ("positions", corpus.Positions),
            ("counted", corpus.Counted),
            ("longest", (long)corpus.LongestSequence)
        );
        return id;
    }

    private static long Next(SqlStatements statement, string table) => (statement.Number($"SELECT MAX(id) FROM {table}") ?? 0) + 1;

    private static byte[] Pieces(IReadOnlyList<string> pieces)
    {
        var bytes = new CompactWriter();
        bytes.Number(pieces.Count);
        foreach (var piece in pieces)
            bytes.Text(piece);
        using var packed = new MemoryStream();
        using (var stream = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            stream.Write(bytes.ToArray());
        return packed.ToArray();
    }
}
