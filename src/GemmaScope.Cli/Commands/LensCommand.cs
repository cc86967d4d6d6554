using System.CommandLine;

namespace GemmaScope.Cli.Commands;

/// <summary>Lenses: what a model is disposed to say after each layer.</summary>
internal sealed class LensCommand : GemmaScopeCommand
{
    public LensCommand()
        : base(
            "lens",
            "Read after every layer what a model is disposed to say, and write through such a lens.",
            "gemmascope lens show \"The people of the United\" --lens logit",
            "gemmascope lens fit --prompts 300 --out lens.safetensors",
            "gemmascope lens show \"The people of the United\" --lens lens.safetensors --report page.html",
            "gemmascope lens steer \"The people of the United\" --lens lens.safetensors --token \" Kingdom\""
        )
    {
        foreach (
            var part in (GemmaScopeCommand[])
                [new LensFitCommand(), new LensTuneCommand(), new LensShowCommand(), new LensScoreCommand(), new LensSteerCommand()]
        )
            Subcommands.Add(part);
    }

    public override int Run(ParseResult arguments, Session session) =>
        throw new ArgumentProblemException($"say what: {string.Join(", ", Subcommands.Select(command => command.Name))}", Name);

    /// <summary>The lens that a command reads through.</summary>
    public static Option<string?> Lens() =>
        new("--lens")
        {
            Description =
                "logit, or a lens's file (.safetensors, or the published .pt), with jacobian: or tuned: in front if it has to be such. Default: lens.safetensors of the model's folder, else logit.",
            HelpName = "LENS",
        };

    /// <summary>Types that lenses are stored in.</summary>
    public static IReadOnlyDictionary<string, Numerics.DType> Types { get; } =
        new Dictionary<string, Numerics.DType>
        {
            ["f32"] = Numerics.DType.F32,
            ["bf16"] = Numerics.DType.BF16,
            ["f16"] = Numerics.DType.F16,
        };
}
