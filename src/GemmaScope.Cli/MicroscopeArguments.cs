using System.CommandLine;
using GemmaScope.Cli.Completion;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The options that choose a model and dictionaries.</summary>
internal sealed class MicroscopeArguments
{
    private readonly DictionaryUse _use;
    private readonly bool _checks;
    private readonly Option<string> _model;
    private readonly Option<string[]> _dictionaries = new Option<string[]>("--sae", "-s")
    {
        HelpName = "SAE",
        Description =
            "A dictionary: a file, a folder, demo-sae, a name in the catalogue (gemmascope dictionaries), or org/name/path on the hub.",
    }.Offering(KnownWords.Dictionaries);

    private readonly Option<string> _weights = new Option<string>("--weights")
    {
        Description =
            "Where the weights lie: mapped from their files, private (copied into memory, which reads faster), or auto: copied while text "
            + "is written, if twice as much memory is free.",
        DefaultValueFactory = _ => "auto",
    }.AcceptOnlyFromAmong("auto", "mapped", "private");

    private readonly SiteArguments? _reads;
    private readonly Option<bool> _noCheck = CommonOptions.NoCheck();

    /// <param name="command">Gets the options.</param>
    /// <param name="use">How many dictionaries it works with.</param>
    /// <param name="defaultModel">The model where none is named.</param>
    /// <param name="checks">Whether dictionaries are checked as they are opened, unless that is switched off.</param>
    public MicroscopeArguments(
        Command command,
        DictionaryUse use = DictionaryUse.One,
        string defaultModel = MicroscopeOptions.DemoModel,
        bool checks = true
    )
    {
        _checks = checks;
        (_use, _model) = (use, CommonOptions.Model(defaultModel));
        _dictionaries.Description += use switch
        {
            DictionaryUse.Many => " Of a folder all are used; may be repeated. Default: the demo model's.",
            DictionaryUse.Named => " Of a folder all are used; may be repeated.",
            _ => " Default: the demo model's.",
        };
        command.Options.Add(_model);
        command.Options.Add(_weights);
        if (use == DictionaryUse.None)
            return;
        command.Options.Add(_dictionaries);
        _reads = new SiteArguments(command, many: use != DictionaryUse.One);
        if (checks)
            command.Options.Add(_noCheck);
    }

    /// <summary>The model's name.</summary>
    public string ModelName(ParseResult arguments) => arguments.GetValue(_model)!;

    /// <summary>Whether a model or a dictionary is named.</summary>
    public bool IsNamed(ParseResult arguments) => NamesDictionary(arguments) || arguments.GetResult(_model) is { Implicit: false };

    /// <summary>Whether a dictionary is named.</summary>
    public bool NamesDictionary(ParseResult arguments) => arguments.GetValue(_dictionaries) is { Length: > 0 };

    /// <summary>What they choose.</summary>
    public MicroscopeOptions Read(ParseResult arguments)
    {
        var (layer, site) = _reads?.Read(arguments) ?? default;
        return new()
        {
            Model = ModelName(arguments),
            Use = _use,
            Dictionaries = _use == DictionaryUse.None ? [] : arguments.GetValue(_dictionaries) ?? [],
            Layer = layer,
            Site = site,
            Load = new ModelLoadOptions
            {
                Arithmetic = GlobalOptions.ArithmeticOf(arguments),
                Storage = arguments.GetValue(_weights) switch
                {
                    "mapped" => WeightStorage.Mapped,
                    "private" => WeightStorage.Private,
                    _ => WeightStorage.Automatic,
                },
            },
            Check = _checks && _use != DictionaryUse.None && !arguments.GetValue(_noCheck),
        };
    }

    /// <summary>Finds and opens them.</summary>
    /// <exception cref="GemmaScopeException">One of them cannot be found or read, or they do not fit together.</exception>
    public Microscope Open(ParseResult arguments, Session session) => Open(Read(arguments), session);

    /// <inheritdoc cref="Open(ParseResult, Session)"/>
    public static Microscope Open(MicroscopeOptions options, Session session) =>
        session.Run((progress, cancellationToken) => Microscope.OpenAsync(options, progress, cancellationToken));

    /// <summary>The ShieldGemma that judges beside another model; null where none is named.</summary>
    public static Microscope? OpenShield(string? name, Session session) =>
        name is null ? null : Open(new() { Model = name, Use = DictionaryUse.None }, session);
}
