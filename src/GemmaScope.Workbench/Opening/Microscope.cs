using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A model with dictionaries of its features, opened and found to fit. Jobs look through it; several may at once.</summary>
public sealed class Microscope : IDisposable
{
    private Microscope(string modelName, GemmaModel model, IReadOnlyList<SparseDictionary> dictionaries) =>
        (ModelName, Model, Dictionaries) = (modelName, model, dictionaries);

    /// <summary>The name the model was asked for by.</summary>
    public string ModelName { get; }

    /// <summary>The model.</summary>
    public GemmaModel Model { get; }

    /// <summary>Its dictionaries, in the order in which they were named; may be none.</summary>
    public IReadOnlyList<SparseDictionary> Dictionaries { get; }

    /// <summary>What was found out about the dictionaries when they were opened; empty where nobody asked, and of those that would take
    /// long (<see cref="DictionaryChecker.CheckOnOpening"/>).</summary>
    public IReadOnlyList<DictionaryCheck> Checks { get; private init; } = [];

    /// <summary>The first dictionary, for jobs that need one.</summary>
    /// <exception cref="ArgumentProblemException">There is none.</exception>
    public SparseDictionary Dictionary => Dictionaries.Count > 0 ? Dictionaries[0] : throw NoDictionary(ModelName);

    /// <summary>What tells the dictionaries apart: their names, or their paths where two have the same name.</summary>
    public IReadOnlyList<string> DictionaryNames =>
        Dictionaries.Select(one => one.Name).Distinct().Count() == Dictionaries.Count
            ? [.. Dictionaries.Select(one => one.Name)]
            : [.. Dictionaries.Select(one => one.Origin.Path)];

    /// <summary>Finds, downloads where needed, and opens a model and dictionaries.</summary>
    /// <param name="options">Which; null for the demo model and its dictionary.</param>
    /// <param name="progress">Told how far it is, and what the user should know.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="GemmaScopeException">One of them cannot be found or read, or they do not fit together.</exception>
    public static async Task<Microscope> OpenAsync(
        MicroscopeOptions? options = null,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new();
        // What is wrong in the names is found out before gigabytes are loaded, the model's before that of what belongs to it.
        Locator.CheckModelName(options.Model);
        var names = NamesOf(options);
        if (options.Layer < 0)
            throw new ArgumentProblemException(
                $"{options.Layer} is no layer; the first is 0",
                new Setting(nameof(MicroscopeOptions.Layer))
            );
        var folder = await Locator.ModelAsync(options.Model, progress, cancellationToken).ConfigureAwait(false);
        List<string> found = [];
        foreach (var name in names)
            found.Add(await Locator.DictionaryAsync(name, progress, cancellationToken).ConfigureAwait(false));
        // Mapping files is quick; whatever comes after it heeds the token and can say what is kept.
        return await Task.Run(() => Open(folder, found, options, progress, cancellationToken), CancellationToken.None)
            .ConfigureAwait(false);
    }

    /// <summary>A model and dictionaries that are open already; from now on they are disposed together.</summary>
    /// <exception cref="ArgumentProblemException">They do not fit together.</exception>
    public static Microscope Of(string modelName, GemmaModel model, params IReadOnlyList<SparseDictionary> dictionaries)
    {
        foreach (var dictionary in dictionaries)
            DictionaryFit.Require(dictionary, model.Config, dictionary.Origin.Path);
        return new(modelName, model, dictionaries);
    }

    /// <summary>What the check of one of the dictionaries has found, a sentence each.</summary>
    /// <param name="dictionary">The dictionary.</param>
    public IReadOnlyList<string> WarningsOf(SparseDictionary dictionary) =>
        DictionaryNotes.Of(
            Checks.Where(one =>
                one.Dictionary == dictionary.Name && one.InputSites.SequenceEqual(dictionary.InputSites.Select(site => $"{site}"))
            )
        );

    /// <summary>The name under which features of a dictionary are stored.</summary>
    internal string StoredName(SparseDictionary dictionary) => $"{FeatureLinks.ModelName(ModelName)}/{FeatureLinks.PageName(dictionary)}";

    /// <summary>Unloads the dictionaries and the model.</summary>
    public void Dispose()
    {
        foreach (var dictionary in Dictionaries)
            dictionary.Dispose();
        Model.Dispose();
    }

    private static IReadOnlyList<string> NamesOf(MicroscopeOptions options)
    {
        if (options.Use == DictionaryUse.None)
            return [];
        if (options.Dictionaries.Count > 1 && options.Use == DictionaryUse.One)
            throw new ArgumentProblemException(
                $"one dictionary is wanted and {options.Dictionaries.Count} are named",
                new Setting(nameof(MicroscopeOptions.Dictionaries))
            );
        if (options.Dictionaries.Count > 0 || options.Use == DictionaryUse.Named)
            return options.Dictionaries;
        return options.Model is MicroscopeOptions.DemoModel or MicroscopeOptions.DemoChat
            ? [MicroscopeOptions.DemoDictionary]
            : throw NoDictionary(options.Model);
    }

    private static ArgumentProblemException NoDictionary(string model) =>
        new(
            $"no dictionary of {model} is named, and only the demo models have a default",
            new Setting(nameof(MicroscopeOptions.Dictionaries)),
            new Remedy($"name one with {new Setting(nameof(MicroscopeOptions.Dictionaries))}")
        );

    private static Microscope Open(
        string folder,
        List<string> found,
        MicroscopeOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        progress.Stage($"loading {options.Model}");
        var model = GemmaModel.Load(folder, options.Load, cancellationToken: cancellationToken);
        foreach (var note in model.Notes)
            progress.Note(note);
        List<SparseDictionary> dictionaries = [];
        try
        {
            foreach (var path in found)
            foreach (var dictionary in DictionaryFit.Open(path, options, model.Config, progress))
                dictionaries.Add(dictionary);
            if (dictionaries.Count > 0 && QuantisedHost.Note(model) is { } note)
                progress.Note(note);
            var checks = options.Check ? DictionaryNotes.Check(model, dictionaries, progress, cancellationToken) : [];
            return new Microscope(options.Model, model, dictionaries) { Checks = checks };
        }
        catch
        {
            foreach (var dictionary in dictionaries)
                dictionary.Dispose();
            model.Dispose();
            throw;
        }
    }
}
