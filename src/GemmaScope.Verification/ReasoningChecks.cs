using System.Text.Json;
using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>Scores of chains of thought: early answering, mistakes, filler, paraphrase, with and without reasoning, hints.</summary>
internal static class ReasoningChecks
{
    private const int Unreadable = -1,
        Beyond = -2;

    private static readonly string[] Curves =
    [
        "early_answering",
        "adding_mistakes",
        "early_answering_single",
        "early_answering_nothing_usable",
    ];

    public static IEnumerable<Check> Verify(JsonSection expected, SafetensorsFile data)
    {
        var tolerance = expected.Number("tolerance") ?? throw expected.Missing("tolerance");
        foreach (var name in Curves)
        foreach (var check in Named(name, Curve(Needed(expected, name), tolerance)))
            yield return check;
        foreach (var check in Named("with_and_without", Gain(expected, tolerance)))
            yield return check;
        foreach (var check in Named("filler", Filler(Needed(expected, "filler"), tolerance)))
            yield return check;
        foreach (var check in Named("paraphrase", Paraphrase(Needed(expected, "paraphrase"), tolerance)))
            yield return check;
        foreach (var name in (string[])["hint", "hint_never_followed"])
        foreach (var check in Named(name, Hint(Needed(expected, name), tolerance)))
            yield return check;
        foreach (var check in Codes(expected, data))
            yield return check;
    }

    private static IEnumerable<Check> Curve(JsonSection part, double tolerance)
    {
        var (got, want) = (AnswerCurve.Of([.. part.Objects("samples").Select(Sample)]), Needed(part, "expected"));
        yield return Golden.Count("samples_used", got.SamplesUsed, want, "samples_used");
        yield return Golden.Count("samples_left_out", got.SamplesLeftOut, want, "samples_left_out");
        yield return EvaluationPartVerifier.Defined("aoc", got.Aoc, want, "aoc", tolerance);
        yield return EvaluationPartVerifier.Defined(
            "aoc_measured_points_only",
            got.AocMeasuredPointsOnly,
            want,
            "aoc_measured_points_only",
            tolerance
        );
        double? unweighted = got.Lengths.Count == 0 ? null : got.Lengths.Average(one => one.Aoc);
        yield return EvaluationPartVerifier.Defined(
            "trap_unweighted_mean_of_lengths",
            unweighted,
            want,
            "trap_unweighted_mean_of_lengths",
            tolerance
        );
        var lengths = want.Objects("lengths");
        yield return Check.That("lengths", lengths.Count == got.Lengths.Count, $"{got.Lengths.Count}, expected {lengths.Count}");
        foreach (var (one, golden) in got.Lengths.Zip(lengths))
        {
            var name = $"lengths.{one.Sentences}";
            yield return Golden.Count($"{name}.sentences", one.Sentences, golden, "sentences");
            yield return Golden.Count($"{name}.samples", one.Samples, golden, "samples");
            yield return EvaluationPartVerifier.Defined($"{name}.share", one.Share, golden, "share", tolerance);
            yield return Close($"{name}.x", one.X, golden, "x", tolerance);
            yield return Close($"{name}.same_answer", one.SameAnswer, golden, "same_answer", tolerance);
            yield return EvaluationPartVerifier.Defined($"{name}.aoc", one.Aoc, golden, "aoc", tolerance);
            yield return EvaluationPartVerifier.Defined(
                $"{name}.aoc_measured_points_only",
                one.AocMeasuredPointsOnly,
                golden,
                "aoc_measured_points_only",
                tolerance
            );
        }
    }

    private static IEnumerable<Check> Gain(JsonSection expected, double tolerance)
    {
        var want = Needed(expected, "with_and_without");
        var chains = Needed(expected, "early_answering")
            .Objects("samples")
            .ToLookup(one => one.Integer("question"), one => one.Text("full"));
        var got = ReasoningGain.Of([
            .. expected
                .Objects("questions")
                .Select(one => new ReasonedQuestion(
                    Needed(one.Text("truth"), one, "truth"),
                    one.Text("no_cot_answer"),
                    [.. chains[one.Integer("question")]]
                )),
        ]);
        yield return EvaluationPartVerifier.Defined("accuracy_cot", got.AccuracyWith, want, "accuracy_cot", tolerance);
        yield return EvaluationPartVerifier.Defined("accuracy_no_cot", got.AccuracyWithout, want, "accuracy_no_cot", tolerance);
        yield return EvaluationPartVerifier.Defined("same_answer_fraction", got.SameAnswer, want, "same_answer_fraction", tolerance);
        yield return Golden.Count("same_answer_pairs", got.SameAnswerPairs, want, "same_answer_pairs");
    }

    private static IEnumerable<Check> Filler(JsonSection part, double tolerance)
    {
        var got = FillerTable.Of([
            .. part.Objects("samples").Select(one => new FillerSample(Needed(one.Text("truth"), one, "truth"), Answers(one))),
        ]);
        var want = Needed(part, "expected");
        var table = want.Objects("table");
        yield return Check.That("table", table.Count == got.Steps.Count, $"{got.Steps.Count}, expected {table.Count}");
        foreach (var (step, golden) in got.Steps.Zip(table))
        {
            yield return Golden.Count($"{step.FillerTokens}.filler_tokens", step.FillerTokens, golden, "filler_tokens");
            yield return Golden.Count($"{step.FillerTokens}.questions", step.Questions, golden, "questions");
            yield return Golden.Count($"{step.FillerTokens}.unparsed", step.Unparsed, golden, "unparsed");
            yield return EvaluationPartVerifier.Defined($"{step.FillerTokens}.accuracy", step.Accuracy, golden, "accuracy", tolerance);
        }
        yield return Close("gain_over_none", got.GainOverNone, want, "gain_over_none", tolerance);
    }

    private static IEnumerable<Check> Paraphrase(JsonSection part, double tolerance)
    {
        var got = ParaphraseTable.Of([
            .. part.Objects("samples")
                .Select(one => new ParaphraseSample(
                    Needed(one.Text("truth"), one, "truth"),
                    one.Integer("sentences") ?? throw one.Missing("sentences"),
                    Answers(one)
                )),
        ]);
        var want = Needed(part, "expected");
        yield return EvaluationPartVerifier.Defined("accuracy_original", got.AccuracyOriginal, want, "accuracy_original", tolerance);
        yield return EvaluationPartVerifier.Defined(
            "accuracy_fully_paraphrased",
            got.AccuracyFullyParaphrased,
            want,
            "accuracy_fully_paraphrased",
            tolerance
        );
        var table = want.Objects("table");
        yield return Check.That("table", table.Count == got.Lengths.Count, $"{got.Lengths.Count}, expected {table.Count}");
        foreach (var (one, golden) in got.Lengths.Zip(table))
        {
            yield return Golden.Count($"{one.Sentences}.sentences", one.Sentences, golden, "sentences");
            yield return Golden.Count($"{one.Sentences}.samples", one.Samples, golden, "samples");
            yield return EvaluationPartVerifier.Defined($"{one.Sentences}.share", one.Share, golden, "share", tolerance);
            yield return Close($"{one.Sentences}.x", one.X, golden, "x", tolerance);
            yield return Close($"{one.Sentences}.accuracy", one.Accuracy, golden, "accuracy", tolerance);
        }
    }

    private static IEnumerable<Check> Hint(JsonSection part, double tolerance)
    {
        HintSample[] samples =
        [
            .. part.Objects("samples")
                .Select(one => new HintSample(
                    Needed(one.Text("truth"), one, "truth"),
                    Needed(one.Text("hint"), one, "hint"),
                    one.Text("unbiased"),
                    one.Text("biased"),
                    one.Flag("mentions_hint") ?? throw one.Missing("mentions_hint")
                )),
        ];
        var (got, want) = (HintScore.Of(samples), Needed(part, "expected"));
        yield return Golden.Count("rows", got.Rows, want, "rows");
        yield return Golden.Count("eligible", got.Eligible, want, "eligible");
        yield return Golden.Count("switched_to_hint", got.Switched, want, "switched_to_hint");
        yield return EvaluationPartVerifier.Defined("switch_rate", got.SwitchRate, want, "switch_rate", tolerance);
        yield return Golden.Count("verbalised", got.Verbalised, want, "verbalised");
        yield return EvaluationPartVerifier.Defined("verbalisation_rate", got.VerbalisationRate, want, "verbalisation_rate", tolerance);
        yield return Golden.Count("rows_hint_wrong", got.RowsHintWrong, want, "rows_hint_wrong");
        yield return EvaluationPartVerifier.Defined("accuracy_unbiased", got.AccuracyUnbiased, want, "accuracy_unbiased", tolerance);
        yield return EvaluationPartVerifier.Defined("accuracy_biased", got.AccuracyBiased, want, "accuracy_biased", tolerance);
        yield return EvaluationPartVerifier.Defined("accuracy_drop", got.AccuracyDrop, want, "accuracy_drop", tolerance);
        if (part.Has("trap_verbalised_over_all_rows"))
            yield return EvaluationPartVerifier.Defined(
                "trap_verbalised_over_all_rows",
                samples.Average(one => one.MentionsHint ? 1.0 : 0),
                part,
                "trap_verbalised_over_all_rows",
                tolerance
            );
    }

    /// <summary>The tensors hold the same answers as the JSON, as numbers.</summary>
    private static IEnumerable<Check> Codes(JsonSection expected, SafetensorsFile data)
    {
        foreach (var (part, name) in ((string, string)[])[("early_answering", "early"), ("adding_mistakes", "mistakes")])
        {
            var samples = Needed(expected, part).Objects("samples");
            var width = data[$"{name}.answers"].Columns;
            var codes = samples.SelectMany(one => Answers(one).Select(Code).Concat(Enumerable.Repeat(Beyond, width)).Take(width));
            yield return Check.That($"{name}.answers", codes.SequenceEqual(Golden.Integers(data, $"{name}.answers").ToArray()));
            if (name != "early")
                continue;
            yield return Same("full", one => Code(one.Text("full")));
            yield return Same("question", one => one.Integer("question") ?? -1);
            yield return Same("sentences", one => one.Integer("sentences") ?? -1);

            Check Same(string tensor, Func<JsonSection, int> value) =>
                Check.That($"{name}.{tensor}", samples.Select(value).SequenceEqual(Golden.Integers(data, $"{name}.{tensor}").ToArray()));
        }
    }

    private static int Code(string? answer) => answer is { Length: 1 } ? answer[0] - 'A' : Unreadable;

    private static ReasoningSample Sample(JsonSection one) =>
        new(one.Integer("sentences") ?? throw one.Missing("sentences"), one.Text("full"), Answers(one));

    private static string?[] Answers(JsonSection one) =>
        one.Element.TryGetProperty("answers", out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(answer => answer.ValueKind == JsonValueKind.Null ? null : answer.GetString())]
            : throw one.Missing("answers");

    private static Check Close(string name, IReadOnlyList<double> got, JsonSection want, string key, double tolerance)
    {
        var golden = Golden.Numbers(want, key);
        return got.Count == golden.Length
            ? Check.Within(name, got.Zip(golden, (a, b) => Math.Abs(a - b)).DefaultIfEmpty().Max(), tolerance)
            : Check.That(name, false, $"{got.Count} values instead of {golden.Length}");
    }

    private static IEnumerable<Check> Named(string name, IEnumerable<Check> checks) =>
        checks.Select(check => check with { Name = $"{name}.{check.Name}" });

    private static JsonSection Needed(JsonSection section, string key) => section.Section(key) ?? throw section.Missing(key);

    private static string Needed(string? text, JsonSection section, string key) => text ?? throw section.Missing(key);
}
