using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Verification;

/// <summary>
/// Checks the whole main job on the embedded demo model: for each text of expected.json tokens, strongest features, L0,
/// reconstruction, norms and next tokens, in exact arithmetic. Values within 1e-3 of the largest of their list; a feature may take
/// another's place in a
/// list only where their values differ by less.
/// </summary>
public sealed class DemoVerifier : IVerifier
{
    private const double Tolerance = 1e-3;

    private static readonly string[] Keys = ["model", "dictionary", "site", "texts"];

    /// <summary>Where a pre-activation is this close to its threshold, relative to itself, a f32 run of the model may decide the other
    /// way.</summary>
    private const double UndecidableMargin = 2e-5;

    /// <inheritdoc/>
    public string Form => "demo";

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        var file = Path.Combine(folder, "expected.json");
        if (!File.Exists(file))
            return false;
        try
        {
            var expected = JsonFile.Read(file);
            return Keys.All(expected.Has);
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        var expected = JsonFile.Read(Path.Combine(folder, "expected.json"));
        var home = DemoFiles.Require(expected.Text("model") ?? throw expected.Missing("model"));
        using var model = GemmaModel.Load(home);
        using var dictionary = SparseDictionary.Load(
            DemoFiles.RequireBelow(expected.Text("dictionary") ?? throw expected.Missing("dictionary"))
        );
        var tokenizer = Tokenizer.Load(home);
        var site = Site.Parse(expected.Text("site") ?? throw expected.Missing("site"));
        yield return Check.That("site", dictionary.InputSite == site, $"{dictionary.InputSite}, expected {site}");
        foreach (var (number, text) in expected.Objects("texts").Index())
        foreach (var check in Text(model, dictionary, tokenizer, text))
            yield return check with
            {
                Name = $"texts.{number}.{check.Name}",
            };
    }

    private static IEnumerable<Check> Text(GemmaModel model, SparseDictionary dictionary, Tokenizer tokenizer, JsonSection want)
    {
        // Everything that is active is asked for, so that a feature can be looked up wherever it ranks.
        var options = new AnalyzeOptions
        {
            TopPerToken = dictionary.Width,
            TopWholeText = dictionary.Width,
            NextTokens = model.Config.VocabularyRows,
            Arithmetic = Arithmetic.Exact,
        };
        var got = TextAnalyzer.Analyze(model, dictionary, tokenizer, want.Text("text") ?? throw want.Missing("text"), options);
        var ids = want.Integers("ids") ?? throw want.Missing("ids");
        yield return Check.That("ids", got.Tokens.Select(token => token.Id).SequenceEqual(ids));
        yield return Check.That("pieces", got.Tokens.Select(token => token.Piece).SequenceEqual(want.Texts("pieces") ?? []));
        if (got.Tokens.Count != ids.Count)
            yield break;

        yield return Lists(
            "top_features",
            [.. got.Tokens.Select(token => Ranked(token.Top))],
            [.. Pairs(want, "top_features", nested: true)]
        );
        yield return Lists("whole_text_top", [Ranked(got.WholeTextTop)], [.. Pairs(want, "whole_text_top", nested: false)]);
        yield return Lists(
            "next_token_top",
            [
                [.. got.Next.Select(next => (next.Id, next.Logit))],
            ],
            [.. Pairs(want, "next_token_top", nested: false)]
        );
        yield return L0(got, want);
        yield return Number("FVU", got.Fvu, want);
        yield return Number("tutorial_variance_explained", got.TutorialVarianceExplained, want);
        yield return Norms(got, want);
    }

    private static (int, float)[] Ranked(IReadOnlyList<FeatureReport> features) =>
        [.. features.Select(feature => (feature.Index, feature.Activation))];

    /// <summary>Lists of [index, value]: of every token, or one of the whole text.</summary>
    private static IEnumerable<(int Index, float Value)[]> Pairs(JsonSection want, string key, bool nested)
    {
        if (!want.Element.TryGetProperty(key, out var lists) || lists.ValueKind != JsonValueKind.Array)
            throw want.Missing(key);
        foreach (var list in nested ? lists.EnumerateArray().ToArray() : [lists])
            yield return [.. list.EnumerateArray().Select(pair => (pair[0].GetInt32(), pair[1].GetSingle()))];
    }

    /// <summary>Compares ranked lists; ours are complete, the golden ones show their first entries.</summary>
    private static Check Lists(string name, (int Index, float Value)[][] got, (int Index, float Value)[][] want)
    {
        if (got.Length != want.Length)
            return Check.That(name, false, $"{got.Length} lists instead of {want.Length}");
        double error = 0;
        string? detail = null;
        for (var i = 0; i < want.Length; i++)
        {
            if (want[i].Length == 0)
                continue;
            var scale = want[i].Max(pair => Math.Abs(pair.Value));
            var values = got[i].ToDictionary(pair => pair.Index, pair => pair.Value);
            var listed = want[i].Select(pair => pair.Index).ToHashSet();
            foreach (var (index, value) in want[i])
                Note(
                    Math.Abs(values.GetValueOrDefault(index) - value) / scale,
                    $"list {i}: {index} has {values.GetValueOrDefault(index)}, expected {value}"
                );
            // What is not listed may not be larger than what is.
            var last = want[i].Min(pair => pair.Value);
            foreach (var (index, value) in got[i])
                if (!listed.Contains(index))
                    Note((value - last) / scale, $"list {i}: {index} with {value} should not be above {last}");
        }
        return Check.Within(name, error, Tolerance, error > Tolerance ? detail : $"{want.Length} lists");

        void Note(double found, string what)
        {
            if (found <= error)
                return;
            (error, detail) = (found, what);
        }
    }

    private static Check L0(TextAnalysis got, JsonSection want)
    {
        var expected = want.Integers("L0") ?? throw want.Missing("L0");
        var different = got.Tokens.Zip(expected).Where(pair => pair.First.L0 != pair.Second).ToArray();
        if (expected.Count != got.Tokens.Count)
            return Check.That("L0", false, $"{expected.Count} golden counts for {got.Tokens.Count} tokens");
        if (different.Length == 0)
            return Check.That("L0", true, $"{expected.Count} tokens equal");
        // The golden run tells how close its closest decision was: only that one may fall the other way.
        var close = want.Number("margin") is { } margin && margin < UndecidableMargin;
        var (token, count) = different[0];
        return Check.That(
            "L0",
            close && different is [var (one, other)] && Math.Abs(one.L0 - other) == 1,
            $"{different.Length} tokens differ, first position {token.Position}: {token.L0}, expected "
                + $"{count}{(close ? "; one decision is closer than f32 can tell" : "")}"
        );
    }

    private static Check Number(string name, double? got, JsonSection want)
    {
        var expected = want.Number(name) ?? throw want.Missing(name);
        return Check.Within(name, Math.Abs((got ?? double.NaN) - expected) / Math.Abs(expected), Tolerance);
    }

    private static Check Norms(TextAnalysis got, JsonSection want)
    {
        var key = want.Keys.FirstOrDefault(name => name.EndsWith("_norms", StringComparison.Ordinal)) ?? throw want.Missing("…_norms");
        double[] expected = [.. want.Element.GetProperty(key).EnumerateArray().Select(value => value.GetDouble())];
        if (expected.Length != got.Tokens.Count)
            return Check.That(key, false, $"{expected.Length} golden norms for {got.Tokens.Count} tokens");
        return Check.Within(key, got.Tokens.Zip(expected).Max(pair => Math.Abs(pair.First.Norm - pair.Second) / pair.Second), Tolerance);
    }
}
