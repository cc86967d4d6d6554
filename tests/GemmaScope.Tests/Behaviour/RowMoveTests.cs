using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

public class RowMoveTests
{
    private static readonly int[] Prompt = [2, 9, 76, 41, 9, 70, 44];

    [Fact]
    public void changes_that_share_passes_are_those_of_runs_with_edits()
    {
        using var model = GemmaModel.Load(Fixtures.Path("evaluation", "spliced", "models", "gemma2"));
        var random = new Random(2);
        float[] Vector() => [.. Enumerable.Range(0, model.Config.Width).Select(_ => random.NextSingle() - 0.5f)];
        RowMove first = new(Site.ResidPre(1), Vector(), [1, -2, 3]),
            second = new(Site.ResidPost(1), Vector(), [0, 0, 4]);
        RowMove[][] changes =
        [
            [],
            [first],
            [second],
            [first, second],
        ];
        var found = RowMove.Try(model, Prompt, 3, changes);
        for (var i = 0; i < changes.Length; i++)
        {
            var edits = changes[i]
                .SelectMany(move => move.Amounts.Select((amount, at) => Edit.Add(move.Site, move.Vector, amount, Positions.At(4 + at))));
            using var run = model.Run(Prompt, edits: edits, logits: LogitRows.Last);
            for (var token = 0; token < 200; token++)
                Assert.Equal(run.LastLogits()[token], found[i][token], 1e-3f);
        }
    }

    [Fact]
    public void what_does_not_fit_is_refused()
    {
        using var model = GemmaModel.Load(Fixtures.Path("evaluation", "spliced", "models", "gemma2"));
        void Refused(string words, int last, RowMove move) =>
            Assert.Contains(
                words,
                Assert
                    .Throws<ArgumentProblemException>(() =>
                        RowMove.Try(
                            model,
                            Prompt,
                            last,
                            [
                                [move],
                            ]
                        )
                    )
                    .Message,
                StringComparison.Ordinal
            );
        var vector = new float[model.Config.Width];
        Refused("7 tokens", 7, new(Site.ResidPre(1), vector, [1]));
        Refused("amounts", 2, new(Site.ResidPre(1), vector, [1]));
        Refused("numbers", 1, new(Site.ResidPre(1), new float[3], [1]));
        Refused("no row", 1, new(new Site(SiteKind.AttnPattern, 1), vector, [1]));
    }
}
