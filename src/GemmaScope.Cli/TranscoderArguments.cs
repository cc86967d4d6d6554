using System.CommandLine;
using GemmaScope.Circuits;
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

    /// <summary>The model of a graph: the one that is named, else the one that the graph names.</summary>
    public Microscope Open(ParseResult arguments, Session session, GraphDocument graph)
    {
        var options = _model.Read(arguments);
        return MicroscopeArguments.Open(
            _model.IsNamed(arguments)
                ? options
                : options with
                {
                    Model =
                        GraphOrigin.ModelOf(graph)
                        ?? throw new ArgumentProblemException(
                            $"the graph does not say where its model '{graph.Metadata.Scan}' is; name it",
                            "--model"
                        ),
                },
            session
        );
    }
}
