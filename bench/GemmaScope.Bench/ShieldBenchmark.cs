using GemmaScope.Files;
using GemmaScope.Safety;

namespace GemmaScope.Bench;

/// <summary>What judging texts together saves, and what several policies cost beside one.</summary>
internal sealed class ShieldBenchmark() : Benchmark("shield", "ShieldGemma: texts judged together, four policies against one")
{
    private const string Demo = "demo-it";
    private const double MostForFour = 1.6,
        LeastTogether = 1.5;
    private const int ShortText = 12,
        Texts = 64;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using (var demo = ShieldGemma.Load(DemoFiles.Require(Demo)))
            foreach (var figure in Measure(setup, demo, Demo, longText: 40))
                yield return figure;
        if (setup.Options.Quick)
            yield break;

        using var real = ShieldGemma.Load(FolderWithTokenizer(setup));
        foreach (var figure in Measure(setup, real, $"a layer of {ModelShape.Main}", longText: 800))
            yield return figure;
    }

    private static IEnumerable<Figure> Measure(BenchSetup setup, ShieldGemma shield, string name, int longText) =>
        [
            .. Together(setup, shield, name),
            // The published order, in which the text stands before the policy, has no target: there is little to share.
            .. Four(setup, shield, name, ShieldTemplate.Card, longText, target: null),
            .. Four(setup, shield, name, ShieldTemplate.PolicyFirst, longText, target: null),
            .. Four(setup, shield, name, ShieldTemplate.PoliciesFirst, longText, MostForFour),
        ];

    /// <summary>Texts judged together, against the same in the published order one after another.</summary>
    private static IEnumerable<Figure> Together(BenchSetup setup, ShieldGemma shield, string name)
    {
        var count = setup.Options.Quick ? 4 : Texts;
        (ShieldTemplate Template, double? Target)[] forms =
        [
            (ShieldTemplate.Card, null),
            (ShieldTemplate.PolicyFirst, LeastTogether),
            (ShieldTemplate.PoliciesFirst, LeastTogether),
        ];
        var rates = setup.Race([OneByOne(), .. forms.Select(form => AtOnce(Make(form.Template)))]);
        foreach (var (i, (template, target)) in forms.Index())
            yield return Figure.Against(
                $"shield, {name}: {count} texts together, {template.Name}",
                rates[i + 1],
                "texts/s",
                1,
                "one at a time, card",
                rates[0],
                target
            );

        Contestant OneByOne()
        {
            var texts = Make(ShieldTemplate.Card);
            return new(
                count,
                () =>
                {
                    foreach (var text in texts)
                        shield.Score([text], setup.Cancellation);
                }
            );
        }

        Contestant AtOnce(ShieldQuestion[] texts) => new(count, () => shield.Score(texts, setup.Cancellation));

        ShieldQuestion[] Make(ShieldTemplate template) =>
            [.. Enumerable.Range(0, count).Select(i => Question(shield, template, i, ShortText, policies: 1))];
    }

    /// <summary>Four policies on one text, against one of them on it.</summary>
    private static IEnumerable<Figure> Four(
        BenchSetup setup,
        ShieldGemma shield,
        string name,
        ShieldTemplate template,
        int longText,
        double? target
    )
    {
        foreach (var words in (int[])[ShortText, longText])
        {
            var rates = setup.Race(Judge(1), Judge(4));
            double[] times = [.. rates[0].Zip(rates[1], (one, four) => one / four)];
            var figure = $"shield, {name}: four policies on {words} words, {template.Name}";
            yield return target is { } most
                ? Figure.Below(figure, times, "x", "one policy", most)
                : Figure.Of($"{figure}, against one", times, "x");

            Contestant Judge(int policies)
            {
                var question = Question(shield, template, words, words, policies);
                // What comes up a second time is kept, as a guard that runs has long done.
                shield.Score([question], setup.Cancellation);
                shield.Score([question], setup.Cancellation);
                return new(1, () => shield.Score([question], setup.Cancellation));
            }
        }
    }

    private static ShieldQuestion Question(ShieldGemma shield, ShieldTemplate template, int seed, int words, int policies)
    {
        string[] some = ["the", "house", "of", "a", "small", "town", "and", "its", "garden", "in", "spring"];
        var random = new Random(seed);
        return shield.Prepare(
            string.Join(' ', Enumerable.Range(0, words).Select(_ => some[random.Next(some.Length)])),
            policies: [.. ShieldPolicy.Official.Take(policies)],
            options: new() { Template = template }
        );
    }

    /// <summary>Random layers of the true shape under the vocabulary of the demo model, which is the one that is always here.</summary>
    private static string FolderWithTokenizer(BenchSetup setup)
    {
        var folder = setup.Folder(ModelShape.OneLayer);
        File.Copy(Path.Combine(DemoFiles.Require(Demo), "tokenizer.model"), Path.Combine(folder, "tokenizer.model"), overwrite: true);
        return folder;
    }
}
