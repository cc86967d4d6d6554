using System.Text.RegularExpressions;
using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>
/// Opens a set of transcoders by name: files and folders, a description of circuit-tracer, the dictionaries of the demo model, or a set of the catalogue, which is named as
/// its dictionaries are but without the layer: <c>gemma-scope-2-1b-pt/transcoder_all/width_16k_l0_small</c>.
/// </summary>
internal static partial class TranscoderLocator
{
    /// <summary>Opens a set.</summary>
    /// <param name="options">What it is made of and where it reads.</param>
    /// <param name="microscope">The model.</param>
    /// <param name="progress">Told what was chosen and what is missing.</param>
    /// <param name="cancellationToken">Stops a download, which goes on next time.</param>
    public static async Task<TranscoderSet> OpenAsync(
        CircuitJobOptions options,
        Microscope microscope,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var names = options.Transcoders;
        if (names.Count == 0)
            names = HasDefault(microscope)
                ? [MicroscopeOptions.DemoScope]
                : throw new ArgumentProblemException(
                    $"no transcoders of {microscope.ModelName} are named, and only the demo models have a default",
                    new Setting(nameof(CircuitJobOptions.Transcoders))
                );
        List<string> paths = [];
        var input = options.SiteOf();
        foreach (var name in names.SelectMany(Members))
        {
            var path = await Locator.DictionaryAsync(name, progress, cancellationToken).ConfigureAwait(false);
            if (TranscoderSetFile.Find(path) is not { } described)
            {
                paths.Add(path);
                continue;
            }
            input ??= described.Input;
            foreach (var member in described.Members)
                paths.Add(await Locator.DictionaryAsync(member, progress, cancellationToken).ConfigureAwait(false));
        }
        var set = TranscoderSet.Load(paths, microscope.Model.Config, input);
        foreach (var note in set.Notes)
            progress.Note(note);
        if (set.MissingLayers is { Count: > 0 } missing)
            progress.Note(
                $"{Layers(missing)} no transcoder: what {(missing.Count == 1 ? "its MLP" : "their MLPs")} do is shown as errors, and what "
                    + "features do there is not explained"
            );
        return set;
    }

    /// <summary>Whether a model has transcoders that need not be named.</summary>
    public static bool HasDefault(Microscope microscope) =>
        microscope.ModelName is MicroscopeOptions.DemoModel or MicroscopeOptions.DemoChat;

    /// <summary>The dictionaries that a name stands for: one of each layer for a set of the catalogue, of several the sparsest.</summary>
    internal static IReadOnlyList<string> Members(string name)
    {
        if (Path.Exists(name))
            return [name];
        var wanted = name.TrimEnd('/');
        var members = DictionaryCatalogue
            .Load()
            .Entries.Where(entry => entry.Kind is DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder)
            .Where(entry =>
                new[] { entry.Name, entry.Reference }.Any(one => WithoutLayer(one) == wanted || WithoutL0(WithoutLayer(one)) == wanted)
            )
            .GroupBy(entry => entry.InputSites[0].Layer)
            .OrderBy(layer => layer.Key)
            .Select(layer => layer.MinBy(entry => int.TryParse(entry.L0, out var l0) ? l0 : int.MaxValue)!.Reference)
            .ToArray();
        return members.Length > 0 ? members : [name];
    }

    private static string Layers(IReadOnlyList<int> layers) =>
        layers.Count == 1 ? $"layer {layers[0]} has" : $"layers {string.Join(", ", layers)} have";

    private static string WithoutLayer(string name) => Layer().Replace(name, "");

    private static string WithoutL0(string name) => AverageL0().Replace(name, "");

    [GeneratedRegex(@"(?<=/)layer_\d+[_/]")]
    private static partial Regex Layer();

    [GeneratedRegex(@"/average_l0_\d+$")]
    private static partial Regex AverageL0();
}
