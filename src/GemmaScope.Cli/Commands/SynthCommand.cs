using System.CommandLine;

namespace GemmaScope.Cli.Commands;

/// <summary>Activations with known features: making them, and measuring dictionaries on them.</summary>
internal sealed class SynthCommand : GemmaScopeCommand
{
    public SynthCommand()
        : base(
            "synth",
            "Make activations whose features are known, and measure which of them a dictionary found.",
            "gemmascope synth make known.safetensors",
            "gemmascope train --synthetic known.safetensors --width 4096 --tokens 10000000 --output runs/known",
            "gemmascope synth score runs/known --model known.safetensors"
        )
    {
        foreach (var command in (GemmaScopeCommand[])[new SynthMakeCommand(), new SynthScoreCommand()])
            Subcommands.Add(command);
    }

    public override int Run(ParseResult arguments, Session session) =>
        throw new ArgumentProblemException($"say what to do: {string.Join(", ", Subcommands.Select(command => command.Name))}", Name);
}
