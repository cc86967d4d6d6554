using System.CommandLine;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The model and the transcoders, which all commands on circuits share.</summary>
internal sealed class TranscoderArguments
{
    private readonly MicroscopeArguments _model;
    private readonly Option<string[]> _transcoders;
    private readonly Option<string?> _site;

    public TranscoderArguments(
        Command command,
        string transcoders =
            "Transcoders: a folder, files, or a set of the catalogue by its name without the layer; the demo model has its own."
    )
    {
        _model = new MicroscopeArguments(command, DictionaryUse.None);
        _transcoders = new Option<string[]>("--transcoders")
        {
            Description = transcoders,
            HelpName = "SET",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        _site = new Option<string?>("--site")
        {
            Description = "Where transcoders read whose files do not say it: resid_mid, ln2_normalized or mlp_in.",
            HelpName = "SITE",
        };
        command.Options.Add(_transcoders);
        command.Options.Add(_site);
    }

    /// <summary>The names.</summary>
    public IReadOnlyList<string> Names(ParseResult arguments) => arguments.GetValue(_transcoders) ?? [];

    /// <summary>Where they read.</summary>
    public string? Site(ParseResult arguments) => arguments.GetValue(_site);

    /// <summary>The model.</summary>
    public Microscope Open(ParseResult arguments, Session session) => _model.Open(arguments, session);
}
