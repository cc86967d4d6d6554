using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Models;

namespace GemmaScope.Cli;

/// <summary>A model with a dictionary of its features.</summary>
internal sealed class Microscope(GemmaModel model, string modelName, SparseDictionary dictionary, Session session) : IDisposable
{
    public GemmaModel Model { get; } = model;

    public string ModelName { get; } = modelName;

    public SparseDictionary Dictionary { get; } = dictionary;

    public TextAnalysis Analyze(string text, AnalyzeOptions options) =>
        Waiting.For(
            session.Terminal,
            "analysing",
            () =>
                TextAnalyzer.Analyze(
                    Model,
                    Dictionary,
                    Model.Tokenizer,
                    text,
                    options with
                    {
                        ModelName = ModelName,
                    },
                    cancellation: session.Cancellation
                )
        );

    /// <summary>Reads headlines, with a word on how far it is.</summary>
    public IReadOnlyList<HeadlineReading> Read(IReadOnlyList<Headline> headlines) =>
        Waiting.For(
            session.Terminal,
            $"reading {headlines.Count} headlines",
            () => HeadlineReading.Read(Model, Dictionary, headlines, cancellation: session.Cancellation)
        );

    public void Dispose()
    {
        Dictionary.Dispose();
        Model.Dispose();
    }
}

/// <summary>The options that choose a model and a dictionary.</summary>
internal sealed class MicroscopeOptions
{
    private readonly string _defaultModel;
    private readonly Option<string> _model;
    private readonly Option<string?> _dictionary = new("--sae", "-s")
    {
        Description =
            "A dictionary: a file, a folder, demo-sae, a name in the catalogue (gemmascope dictionaries), or org/name/path on the hub. Default: the demo model's.",
        HelpName = "SAE",
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

    public MicroscopeOptions(Command command, string defaultModel = Resolver.DefaultModel)
    {
        (_defaultModel, _model) = (defaultModel, CommonOptions.Model(defaultModel));
        foreach (var option in (Option[])[_model, _dictionary, _layer, _site])
            command.Options.Add(option);
    }

    /// <summary>The model's name.</summary>
    public string ModelName(ParseResult arguments) => arguments.GetValue(_model)!;

    /// <summary>Whether a dictionary is named.</summary>
    public bool NamesDictionary(ParseResult arguments) => arguments.GetValue(_dictionary) is not null;

    /// <summary>The site of a vector that no dictionary has: that of the options, else the residual stream after the layer.</summary>
    /// <exception cref="ArgumentProblemException">Neither says it.</exception>
    public Site VectorSite(ParseResult arguments) =>
        (arguments.GetValue(_site), arguments.GetValue(_layer)) switch
        {
            ({ } site, var layer) => SiteOf(site, layer),
            (null, >= 0 and int layer) => Site.ResidPost(layer),
            (null, null) => throw new ArgumentProblemException(
                "name the layer at whose end the vector is read and added, usually one in the middle",
                "--layer"
            ),
            (null, var layer) => throw new ArgumentProblemException($"{layer} is no layer; the first is 0", "--layer"),
        };

    /// <summary>Finds and opens both.</summary>
    /// <exception cref="GemmaScopeException">One of them cannot be found or read, or they do not fit together.</exception>
    public Microscope Open(ParseResult arguments, Session session)
    {
        var name = arguments.GetValue(_model)!;
        var dictionaryName =
            arguments.GetValue(_dictionary)
            ?? (
                name == _defaultModel
                    ? Resolver.DefaultDictionary
                    : throw new ArgumentProblemException(
                        $"name a dictionary of {name} with --sae; the default is one of {Resolver.DefaultModel}",
                        "--sae"
                    )
            );
        var (layer, site) = (arguments.GetValue(_layer), arguments.GetValue(_site));
        if (layer < 0)
            throw new ArgumentProblemException($"{layer} is no layer; the first is 0", "--layer");
        var model = session.LoadModel(name);
        try
        {
            var path = DictionaryFinder.Find(session.Resolver.Dictionary(dictionaryName), layer, site);
            return new Microscope(model, name, Open(path, layer, site, model.Config, session.Terminal), session);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Opens a dictionary at the site it was trained at, or where the options put it.</summary>
    private static SparseDictionary Open(string path, int? layer, string? site, GemmaConfig config, Terminal terminal)
    {
        var dictionary = SparseDictionary.Load(path, new DictionaryLoadOptions { Site = site is null ? null : SiteOf(site, layer) });
        try
        {
            var trained = dictionary is { HasSites: true, InputSites.Count: 1 } ? dictionary.InputSite : (Site?)null;
            if (site is null && layer is { } other && trained is { } own && own.Layer != other)
            {
                dictionary.Dispose();
                dictionary = SparseDictionary.Load(path, new DictionaryLoadOptions { Site = new Site(own.Kind, other) });
            }
            foreach (var read in dictionary.InputSites)
                if (!config.Has(read))
                    throw new ArgumentProblemException(
                        $"the model has no such site (layers 0 to {config.Layers - 1}); choose another with --layer or --site",
                        read.ToString()
                    );
            var width = dictionary.InputSites.Sum(read => config.SiteWidth(read.Kind));
            if (width != dictionary.InputWidth)
                throw new ArgumentProblemException(
                    $"the dictionary reads {dictionary.InputWidth} numbers at a token, but {string.Join(", ", dictionary.InputSites)} of this model has {width}; it belongs to another model or site",
                    path
                );
            if (trained is { } from && from != dictionary.InputSite)
                terminal.Error.WriteLine($"note: this dictionary belongs to {from} and is read at {dictionary.InputSite}");
            return dictionary;
        }
        catch
        {
            dictionary.Dispose();
            throw;
        }
    }

    private static Site SiteOf(string text, int? layer)
    {
        if (!Site.TryParse(text, out var site))
        {
            if (Site.TryParse($"{text}.{layer ?? 0}", out var withLayer))
                return layer is not null
                    ? withLayer
                    : throw new ArgumentProblemException($"'{text}' names no layer; add --layer", "--site");
            return Site.Parse(text);
        }
        return layer is null || site.Layer == layer
            ? site
            : throw new ArgumentProblemException($"{site} is not in layer {layer}; give one of the two", "--site");
    }
}
