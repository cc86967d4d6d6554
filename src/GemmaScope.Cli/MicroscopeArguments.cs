using System.CommandLine;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The options that choose a model and dictionaries.</summary>
internal sealed class MicroscopeArguments
{
    private readonly DictionaryUse _use;
    private readonly Option<string> _model;
    private readonly Option<string[]> _dictionaries = new("--sae", "-s")
    {
        HelpName = "SAE",
        Description =
            "A dictionary: a file, a folder, demo-sae, a name in the catalogue (gemmascope dictionaries), or org/name/path on the hub.",
    };

    private readonly Option<int?> _layer = new("--layer", "-l")
    {
        Description = "The layer the dictionary reads, where its path does not say it or several are there.",
        HelpName = "N",
    };
    private readonly Option<string?> _site = new("--site")
    {
        Description = "The site it reads, e.g. resid_post or resid_post.20, in any of the three dialects.",
        HelpName = "SITE",
    };

    /// <param name="command">Gets the options.</param>
    /// <param name="use">How many dictionaries it works with.</param>
    /// <param name="defaultModel">The model where none is named.</param>
    public MicroscopeArguments(Command command, DictionaryUse use = DictionaryUse.One, string defaultModel = MicroscopeOptions.DemoModel)
    {
        (_use, _model) = (use, CommonOptions.Model(defaultModel));
        _dictionaries.Description += use switch
        {
            DictionaryUse.Many => " Of a folder all are used; may be repeated. Default: the demo model's.",
            DictionaryUse.Named => " Of a folder all are used; may be repeated.",
            _ => " Default: the demo model's.",
        };
        Option[] options = use switch
        {
            DictionaryUse.None => [_model],
            DictionaryUse.One => [_model, _dictionaries, _layer, _site],
            _ => [_model, _dictionaries],
        };
        foreach (var option in options)
            command.Options.Add(option);
    }

    /// <summary>The model's name.</summary>
    public string ModelName(ParseResult arguments) => arguments.GetValue(_model)!;

    /// <summary>Whether a dictionary is named.</summary>
    public bool NamesDictionary(ParseResult arguments) => arguments.GetValue(_dictionaries) is { Length: > 0 };

    /// <summary>What they choose.</summary>
    public MicroscopeOptions Read(ParseResult arguments) =>
        new()
        {
            Model = ModelName(arguments),
            Use = _use,
            Dictionaries = _use == DictionaryUse.None ? [] : arguments.GetValue(_dictionaries) ?? [],
            Layer = _use == DictionaryUse.One ? arguments.GetValue(_layer) : null,
            Site = _use == DictionaryUse.One ? arguments.GetValue(_site) : null,
            Load = new ModelLoadOptions { Arithmetic = GlobalOptions.ArithmeticOf(arguments) },
        };

    /// <summary>Finds and opens them.</summary>
    /// <exception cref="GemmaScopeException">One of them cannot be found or read, or they do not fit together.</exception>
    public Microscope Open(ParseResult arguments, Session session) => Open(Read(arguments), session);

    /// <inheritdoc cref="Open(ParseResult, Session)"/>
    public static Microscope Open(MicroscopeOptions options, Session session) =>
        session.Run((progress, cancellationToken) => Microscope.OpenAsync(options, progress, cancellationToken));
}
