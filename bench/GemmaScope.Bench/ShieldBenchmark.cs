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
            foreach (var figure in Measure(setup, demo, Demo, longText: 180))
                yield return figure;
        if (setup.Options.Quick)
            yield break;

        using var real = ShieldGemma.Load(FolderWithTokenizer(setup));
        foreach (var figure in Measure(setup, real, $"a layer of {ModelShape.Main}", longText: 800))
            yield return figure;
    }

    private static IEnumerable<Figure> Measure(BenchSetup setup, ShieldGemma shield, string name, int longText)
    {
        var texts = Enumerable.Range(0, setup.Options.Quick ? 4 : Texts).Select(i => Question(shield, i, ShortText, policies: 1)).ToArray();
        // By the clock, which the targets are about, and by the time of the processors, which other work on the machine disturbs less.
        foreach (var (byProcessor, suffix) in ((bool, string)[])[(false, ""), (true, ", processor time")])
        {
            var together = setup.RaceBy(
                byProcessor,
                new Contestant(
                    texts.Length,
                    () =>
                    {
                        foreach (var text in texts)
                            shield.Score([text], setup.Cancellation);
                    }
                ),
                new Contestant(texts.Length, () => shield.Score(texts, setup.Cancellation))
            );
            yield return Figure.Against(
                $"shield, {name}: {texts.Length} texts together{suffix}",
                together[1],
                "texts/s",
                1,
                "one at a time",
                together[0],
                byProcessor ? null : LeastTogether
            );
        }

        foreach (var words in (int[])[ShortText, longText])
        {
            var rates = setup.Race(Judge(1), Judge(4));
            yield return Figure.Below(
                $"shield, {name}: four policies on {words} words",
                [.. rates[0].Zip(rates[1], (one, four) => one / four)],
                "x",
                "one policy",
                MostForFour
            );

            Contestant Judge(int policies)
            {
                var question = Question(shield, words, words, policies);
                return new(1, () => shield.Score([question], setup.Cancellation));
            }
        }
    }

    private static ShieldQuestion Question(ShieldGemma shield, int seed, int words, int policies)
    {
        string[] some = ["the", "house", "of", "a", "small", "town", "and", "its", "garden", "in", "spring"];
        var random = new Random(seed);
        return shield.Prepare(
            string.Join(' ', Enumerable.Range(0, words).Select(_ => some[random.Next(some.Length)])),
            policies: [.. ShieldPolicy.Official.Take(policies)]
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
