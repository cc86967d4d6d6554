using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What tells outcomes apart: the direction, features, and what needs no model (METHODS §6.7).</summary>
internal sealed class JailbreakSeparations(
    JailbreakSets sets,
    IReadOnlyList<JailbreakFeatures> read,
    IReadOnlyList<JailbreakPairResult> pairs,
    int layer,
    IReadOnlyList<(string Name, int Width)> dictionaries,
    GemmaModel model,
    JailbreakStudyJobOptions options
)
{
    /// <summary>Successful from failed wrappers, refused from answered requests, and wrapped from harmless ones.</summary>
    public IReadOnlyList<StudySeparation> Measure()
    {
        var wrapped = pairs.Index().ToDictionary(one => one.Item.Wrapped, one => one.Index);
        string Group(int prompt) =>
            sets.Prompts[prompt].Set == JailbreakSets.Wrapped
                ? sets.Pairs[wrapped[prompt]].Pair.Group
                : sets.Prompts[prompt].Asked.Prompt.Text;
        int[] all = [.. Enumerable.Range(0, read.Count)];
        return
        [
            Of(
                ("Which wrappers succeed", "succeeds", "fails"),
                pairs.Where(pair => pair.Succeeded is not null).Select(pair => (pair.Wrapped, pair.Succeeded!.Value))
            ),
            Of(
                ("Which requests are refused, plain or wrapped", "refused", "answered"),
                all.Where(i => sets.Prompts[i].Set != JailbreakSets.Harmless).Select(i => (i, read[i].Reading.Refused))
            ),
            Of(
                ("Wrapped requests among harmless ones", "wrapped", "harmless"),
                all.Where(i => sets.Prompts[i].Set != JailbreakSets.Plain).Select(i => (i, sets.Prompts[i].Set == JailbreakSets.Wrapped))
            ),
        ];

        StudySeparation Of((string, string, string) names, IEnumerable<(int Prompt, bool IsPositive)> cases)
        {
            var some = cases.ToArray();
            return StudySeparation.Of(
                names,
                [.. some.Select(one => new StudyCase(Group(one.Prompt), one.IsPositive))],
                Predictors([.. some.Select(one => one.Prompt)]),
                options.Shuffles,
                options
            );
        }
    }

    private List<StudyPredictor> Predictors(int[] prompts)
    {
        double[] Values(Func<JailbreakReading, double> value) => [.. prompts.Select(i => value(read[i].Reading))];
        List<StudyPredictor> found =
        [
            new NumberPredictor($"largest projection on the direction, layer {layer}", Values(one => one.Max[layer])),
            new NumberPredictor($"projection at the last position, layer {layer}", Values(one => one.Last[layer])),
        ];
        foreach (var (d, (name, width)) in dictionaries.Index())
        {
            var columns = SparseRows.Of(
                width,
                prompts.Select(prompt => read[prompt].Active[d]).Select(one => one.Features.Zip(one.Largest))
            );
            string Called(int feature) => $"{feature}";
            found.Add(new ColumnPredictor($"best feature of {name}", columns, 1, Called));
            if (options.Features > 1)
                found.Add(new ColumnPredictor($"{options.Features} best features of {name}, probe", columns, options.Features, Called));
        }
        var words = BagOfWords.Count(
            prompts.Select(i =>
            {
                var tokens = sets.Prompts[i].Asked.Tokens;
                return tokens.Ids[tokens.Spans[^1].Start..tokens.Spans[^1].End];
            }),
            model.Config.VocabularyRows
        );
        // Words are on the page only where texts are.
        found.Add(
            new ColumnPredictor(
                "bag of words",
                words,
                int.MaxValue,
                column => options.ShowTexts ? $"'{model.Tokenizer.Decode([column + BagOfWords.FirstWord])}'" : "…"
            )
        );
        found.Add(new NumberPredictor("length in tokens", Values(one => one.Length)));
        return found;
    }
}
