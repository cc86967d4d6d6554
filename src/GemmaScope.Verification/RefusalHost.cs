using GemmaScope.Behaviour;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Verification;

/// <summary>The model of a folder on refusal with its prompts and directions.</summary>
internal sealed class RefusalHost : IDisposable
{
    public const double Scores = 1e-4,
        Logits = 1e-4,
        Cosines = 1e-5;

    public static string[] Sets { get; } = ["harmful_train", "harmless_train", "harmful_validation", "harmless_validation"];

    public RefusalHost(string model, JsonSection expected, SafetensorsFile golden)
    {
        (Expected, Golden) = (expected, golden);
        Prompts = expected.Section("prompts") ?? throw expected.Missing("prompts");
        RefusalTokens = expected.Integers("refusal_token_ids") ?? throw expected.Missing("refusal_token_ids");
        PostInstruction = expected.Integers("post_instruction_ids") ?? throw expected.Missing("post_instruction_ids");
        Model = GemmaModel.Load(model);
        try
        {
            Directions = ClassDirections.Of(Model, Kept("harmful_train"), Kept("harmless_train"), PostInstruction.Count);
        }
        catch
        {
            Model.Dispose();
            throw;
        }
    }

    public JsonSection Expected { get; }

    public SafetensorsFile Golden { get; }

    public JsonSection Prompts { get; }

    public IReadOnlyList<int> RefusalTokens { get; }

    public IReadOnlyList<int> PostInstruction { get; }

    public GemmaModel Model { get; }

    public ClassDirections Directions { get; }

    public int[][] All(string set) => [.. Prompts.Objects(set).Select(Ids)];

    public int[][] Kept(string set) => [.. Prompts.Objects(set).Where(one => one.Flag("kept") == true).Select(Ids)];

    public double[] ScoresOf(string set, IReadOnlyList<Edit>? edits = null, GemmaModel? model = null) =>
        NextTokens.Of(model ?? Model, All(set), edits).RefusalScores(RefusalTokens);

    public void Dispose() => Model.Dispose();

    private static int[] Ids(JsonSection prompt) => [.. prompt.Integers("ids") ?? throw prompt.Missing("ids")];
}
