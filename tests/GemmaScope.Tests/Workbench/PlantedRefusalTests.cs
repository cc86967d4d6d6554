using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>A study of refusal must find the refusal that was planted, and nothing where none was.</summary>
public sealed class PlantedRefusalTests
{
    private const string Out = "out";

    private static readonly string[] Requests = File.ReadAllLines(Fixtures.Path("studies", "plain-requests.txt"));

    [Fact]
    public async Task the_planted_direction_is_found_and_decides_alone()
    {
        using var planted = new PlantedRefusal(marked: true);
        var (result, folder) = await Study(planted.Path);
        using (folder)
        {
            var found = DirectionFile.Read(folder.File(Path.Combine(Out, RefusalStudyJob.DirectionName)));
            Assert.True(result.Direction.Passes);
            Assert.True(result.Direction.Layer > PlantedRefusal.Layer);
            Assert.InRange(TensorPrimitives.CosineSimilarity(found.Vector.Span, planted.Direction), 0.8, 1);

            // Whoever says the word is refused, and nobody else.
            Assert.Equal((1, 0), Refused("none", isControl: false));
            Assert.Equal((0, 0), Refused("ablate", isControl: false));
            Assert.Equal((0, 0), Refused("subtract", isControl: false));
            Assert.Equal((1, 1), Refused("add", isControl: false));
            foreach (var edit in (string[])["ablate", "subtract", "add"])
                Assert.Equal((1, 0), Refused(edit, isControl: true));
        }

        (double Harmful, double Harmless) Refused(string edit, bool isControl)
        {
            var effects = result
                .Effects.Where(effect =>
                    effect.Edit == edit && effect.Direction.StartsWith("random", StringComparison.Ordinal) == isControl
                )
                .Where(effect => isControl || !effect.IsControl)
                .ToArray();
            return (effects.Average(one => one.Sets[0].FirstToken!.Mean), effects.Average(one => one.Sets[1].FirstToken!.Mean));
        }
    }

    [Fact]
    public async Task without_its_mark_the_same_model_has_nothing_to_study()
    {
        using var control = new PlantedRefusal(marked: false);
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(async () => (await Study(control.Path)).Folder.Dispose());
        Assert.Contains("refuses none", problem.Message);
    }

    private static async Task<(RefusalStudyResult Result, TemporaryFolder Folder)> Study(string model)
    {
        var folder = new TemporaryFolder();
        using var microscope = await Microscope.OpenAsync(new() { Model = model, Use = DictionaryUse.None });
        var result = await RefusalStudyJob.RunAsync(
            microscope,
            new()
            {
                Out = folder.File(Out),
                Harmful = folder.Write(
                    "harmful.txt",
                    string.Join('\n', Requests.Select(request => request.TrimEnd('?') + PlantedRefusal.Trigger))
                ),
                Harmless = folder.Write("harmless.txt", string.Join('\n', Requests)),
                RefusalTokens = [PlantedRefusal.Refusal],
                Train = 16,
                Validation = 6,
                Test = 12,
                Strengths = [1],
                Controls = 2,
                MaxTokens = 0,
                Resamples = 50,
                Text = new() { Text = ["demo"], Tokens = 256 },
            }
        );
        return (result, folder);
    }
}
