using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Cli;

/// <summary>A model with one or several dictionaries of its features.</summary>
internal sealed class Laboratory(GemmaModel model, string modelName, IReadOnlyList<SparseDictionary> dictionaries) : IDisposable
{
    public GemmaModel Model { get; } = model;

    public string ModelName { get; } = modelName;

    public IReadOnlyList<SparseDictionary> Dictionaries { get; } = dictionaries;

    /// <summary>What tells the dictionaries apart: their names, or their paths where two have the same name.</summary>
    public IReadOnlyList<string> Names { get; } =
        dictionaries.Select(one => one.Name).Distinct().Count() == dictionaries.Count
            ? [.. dictionaries.Select(one => one.Name)]
            : [.. dictionaries.Select(one => one.Origin.Path)];

    /// <summary>Does long work with a line that says how far it is.</summary>
    public static T Watch<T>(Session session, string unit, long total, Func<IProgress<long>, T> work) =>
        Stages(session, stage => work(stage(unit, total)));

    /// <summary>The same for work of several stages, each with a line of its own.</summary>
    public static T Stages<T>(Session session, Func<Func<string, long, IProgress<long>>, T> work)
    {
        RateDisplay? display = null;
        try
        {
            return work(
                (unit, total) =>
                {
                    display?.End();
                    return new Reporter(display = new RateDisplay(session.Terminal, unit, 0, total));
                }
            );
        }
        finally
        {
            display?.End();
        }
    }

    public void Dispose()
    {
        foreach (var dictionary in Dictionaries)
            dictionary.Dispose();
        Model.Dispose();
    }

    // Progress<T> would report late, from another thread.
    private sealed class Reporter(RateDisplay display) : IProgress<long>
    {
        public void Report(long value) => display.Report(value);
    }
}

/// <summary>The options that choose a model and one or several dictionaries.</summary>
internal sealed class LaboratoryOptions
{
    private readonly Option<string> _model = CommonOptions.Model();
    private readonly Option<string[]> _dictionaries = new("--sae", "-s")
    {
        Description = "A dictionary, or a folder of which all are used; may be repeated. Default: the demo model's.",
        HelpName = "SAE",
    };

    public LaboratoryOptions(Command command)
    {
        command.Options.Add(_model);
        command.Options.Add(_dictionaries);
    }

    /// <summary>Finds and opens all.</summary>
    /// <exception cref="GemmaScopeException">One of them cannot be found or read, or they do not fit together.</exception>
    public Laboratory Open(ParseResult arguments, Session session)
    {
        var name = arguments.GetValue(_model)!;
        var paths = session.Resolver.Dictionaries(arguments.GetValue(_dictionaries), name);
        var model = session.LoadModel(name);
        List<SparseDictionary> dictionaries = [];
        try
        {
            foreach (var path in paths)
            {
                dictionaries.Add(SparseDictionary.Load(path));
                RequireFit(dictionaries[^1], model.Config, path);
            }
            return new Laboratory(model, name, dictionaries);
        }
        catch
        {
            foreach (var dictionary in dictionaries)
                dictionary.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <summary>Finds a dictionary of another model or site.</summary>
    /// <exception cref="ArgumentProblemException">The model has no such site, or one of another width.</exception>
    public static void RequireFit(SparseDictionary dictionary, GemmaConfig config, string path)
    {
        foreach (var site in dictionary.InputSites)
            if (!config.Has(site))
                throw new ArgumentProblemException($"reads {site}, which the model does not have (layers 0 to {config.Layers - 1})", path);
        var width = dictionary.InputSites.Sum(site => config.SiteWidth(site.Kind));
        if (width != dictionary.InputWidth)
            throw new ArgumentProblemException(
                $"the dictionary reads {dictionary.InputWidth} numbers at a token, but {string.Join(", ", dictionary.InputSites)} of this model has {width}; it belongs to another model or site",
                path
            );
    }
}
