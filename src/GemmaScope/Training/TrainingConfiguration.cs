using System.Text.Json.Nodes;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Training;

/// <summary>What happens to a batch whose loss is not finite.</summary>
public enum NonFiniteBatch
{
    /// <summary>The run ends with an error; the last checkpoint stays.</summary>
    Stop,

    /// <summary>The batch is left out and counted.</summary>
    Skip,
}

/// <summary>
/// One training run: what is trained, on what, how, and where the result goes. It is read from YAML and from options, which win, and
/// printed in full beside the result, from which the run can be repeated.
/// </summary>
public sealed record TrainingConfiguration
{
    /// <summary>The file beside the result that repeats the run.</summary>
    public const string FileName = "recipe.yaml";

    /// <summary>What the dictionary reads and writes: sae, transcoder, skip_transcoder, crosscoder or clt.</summary>
    public DictionaryKind Kind { get; init; } = DictionaryKind.Sae;

    /// <summary>The sites it reads: one, or for a crosscoder or cross-layer transcoder one a layer.</summary>
    public IReadOnlyList<Site> Sites { get; init; } = [];

    /// <summary>The sites a transcoder writes; empty: the MLP output of the layers it reads. Others write what they read.</summary>
    public IReadOnlyList<Site> Targets { get; init; } = [];

    /// <summary>Number of features, of all layers together.</summary>
    public int Width { get; init; } = 16384;

    /// <summary>Where activations come from.</summary>
    public DataSettings Data { get; init; } = new();

    /// <summary>Dictionaries whose parameters the training begins with instead of random ones: of a single site one of the same kind and
    /// width; of several layers one single-layer dictionary a layer, in the order of <see cref="Sites"/>. What <see
    /// cref="SparseDictionary.Load"/> takes; empty: none.</summary>
    public IReadOnlyList<string> Start { get; init; } = [];

    /// <summary>Activations of a step.</summary>
    public int Batch { get; init; } = 4096;

    /// <summary>Activations to train on, rounded up to whole batches; ignored where <see cref="Steps"/> is given.</summary>
    public long Tokens { get; init; } = 100_000_000;

    /// <summary>Steps to train for, or null.</summary>
    public long? Steps { get; init; }

    /// <summary>Decides the first parameters.</summary>
    public long Seed { get; init; }

    /// <summary>The hyper-parameters.</summary>
    public Recipe Recipe { get; init; } = new();

    /// <summary>How λ is searched for.</summary>
    public SearchSettings Search { get; init; } = new();

    /// <summary>What happens to a batch whose loss is not finite.</summary>
    public NonFiniteBatch NonFinite { get; init; } = NonFiniteBatch.Stop;

    /// <summary>How often the run says how it does, and saves itself.</summary>
    public RunSettings Run { get; init; } = new();

    /// <summary>What the finished dictionary is measured on.</summary>
    public HeldOutSettings Evaluation { get; init; } = new();

    /// <summary>How the dictionary is written; null: in the form of Gemma Scope 1 or 2 where that can express it, else in that of
    /// SAELens.</summary>
    public DictionaryForm? Form { get; init; }

    /// <summary>The folder of the result.</summary>
    public string Output { get; init; } = "";

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps => Steps ?? (Tokens + Batch - 1) / Batch;

    /// <summary>The sites written.</summary>
    public IReadOnlyList<Site> Outputs =>
        !IsTranscoder ? Sites
        : Targets.Count > 0 ? Targets
        : [.. Sites.Select(site => Site.MlpOut(site.Layer ?? 0))];

    /// <summary>All sites that are read from the data.</summary>
    public IEnumerable<Site> AllSites => Sites.Concat(Outputs).Distinct();

    /// <summary>The recipe with what follows from the kind, and the λ that was found.</summary>
    internal Recipe EffectiveRecipe =>
        Recipe.For(TotalSteps, Batch) with
        {
            Skip = Recipe.Skip || Kind == DictionaryKind.SkipTranscoder,
            Lambda = Search.Lambda ?? Recipe.Lambda,
        };

    /// <summary>The same with every number of the recipe said, also those that follow from the length of the run.</summary>
    /// <param name="before">The settings of the run that goes on, which is not to turn to other schedules; null: it begins.</param>
    internal TrainingConfiguration Explicit(IReadOnlyDictionary<string, string>? before = null) =>
        this with
        {
            Recipe = before is null ? Recipe.For(TotalSteps, Batch) : Recipe.Following(RecipeOf(before)),
        };

    private static Recipe RecipeOf(IReadOnlyDictionary<string, string> settings) =>
        Settings
            .Read(
                YamlFile.ReadWith(
                    null,
                    settings
                        .Where(setting => setting.Key.StartsWith("recipe.", StringComparison.Ordinal))
                        .Select(setting => (setting.Key, YamlFile.ParseValue(setting.Value, setting.Key)))
                ),
                new TrainingConfiguration()
            )
            .Recipe;

    private bool IsTranscoder => Kind is DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder or DictionaryKind.CrossLayerTranscoder;

    private bool IsMultiLayer => Kind is DictionaryKind.Crosscoder or DictionaryKind.CrossLayerTranscoder;

    /// <summary>Reads a configuration.</summary>
    /// <param name="file">A YAML file, or null.</param>
    /// <param name="values">Values that win over the file's, by their keys: <c>recipe.learning_rate</c>.</param>
    /// <exception cref="GemmaScopeException">A key is unknown, a value of another type, or they contradict each other.</exception>
    public static TrainingConfiguration Load(string? file, IEnumerable<(string Key, JsonNode? Value)> values)
    {
        var configuration = Settings.Read(YamlFile.ReadWith(file, values), new TrainingConfiguration());
        configuration.Check(file ?? "options");
        return configuration;
    }

    /// <summary>The whole configuration as YAML, defaults included, with a remark behind those that were scaled to the length of the run;
    /// <see cref="Load"/> gives it back.</summary>
    public string ToYaml() => Settings.ToYaml(Explicit(), Remarks("recipe."));

    /// <summary>What is said behind the values of the recipe.</summary>
    /// <param name="prefix">What stands before their keys.</param>
    internal IReadOnlyDictionary<string, string> Remarks(string prefix) =>
        Explicit().Recipe.Remarks(TotalSteps, Batch).ToDictionary(remark => prefix + remark.Key, remark => remark.Value);

    /// <summary>The shape that is trained, given the widths of the sites.</summary>
    /// <exception cref="ArgumentProblemException">The sites of several layers have different widths.</exception>
    internal TrainerShape Shape(Func<Site, int> width)
    {
        if (!IsMultiLayer)
            return IsTranscoder
                ? TrainerShape.Transcoder(width(Sites[0]), width(Outputs[0]), Width)
                : TrainerShape.Autoencoder(width(Sites[0]), Width);
        var widths = AllSites.Select(width).Distinct().ToArray();
        return widths is [var one]
            ? TrainerShape.CrossLayer(one, [.. Enumerable.Repeat(Width / Sites.Count, Sites.Count)], reconstructs: !IsTranscoder)
            : throw new ArgumentProblemException(
                $"have widths {string.Join(", ", widths)}, but the layers of one dictionary must be equally wide",
                "sites"
            );
    }

    /// <summary>Refuses what contradicts itself.</summary>
    /// <param name="source">What the error names.</param>
    /// <exception cref="FileFormatException">A value is missing, out of range, or contradicts another.</exception>
    public void Check(string source = "configuration")
    {
        void Require(bool holds, string key, string problem)
        {
            if (!holds)
                throw new FileFormatException($"'{key}' {problem}", source);
        }
        Require(Sites.Count > 0, "sites", "is missing: name what the dictionary reads, e.g. resid_post.3");
        Require(
            IsMultiLayer || Sites.Count == 1,
            "sites",
            $"names {Sites.Count}; a dictionary of this kind reads one (kinds of several: crosscoder, clt)"
        );
        Require(Sites.Distinct().Count() == Sites.Count && Targets.Distinct().Count() == Targets.Count, "sites", "names one twice");
        Require(IsTranscoder || Targets.Count == 0, "targets", "is for transcoders; others write what they read");
        Require(
            Targets.Count == 0 || Targets.Count == Sites.Count,
            "targets",
            $"names {Targets.Count} where the dictionary reads {Sites.Count}"
        );
        Require(!IsTranscoder || !Sites.SequenceEqual(Outputs), "targets", "are the sites it reads; that is an autoencoder (kind: sae)");
        Require(Width > 0, "width", "must be 1 or more");
        Require(
            !IsMultiLayer || Width % Sites.Count == 0,
            "width",
            $"must be a multiple of {Sites.Count}, the number of layers, which get the same share"
        );
        Require(
            Start.Count == 0 || Start.Count == Sites.Count,
            "start",
            $"names {Start.Count} dictionaries where {Sites.Count} are needed, one for each site"
        );
        Require(Batch > 0, "batch", "must be 1 or more");
        Require(TotalSteps > 0, Steps is null ? "tokens" : "steps", "must be 1 or more");
        Require(Output.Length > 0, "output", "is missing: name the folder of the result");
        var sources = (Data.Store is null ? 0 : 1) + (Data.Text.Count > 0 ? 1 : 0) + (Data.Synthetic is null ? 0 : 1);
        Require(sources > 0, "data", "has neither a store nor a text nor a synthetic model");
        Require(sources < 2, "data", "has more than one of store, text and synthetic model; one is trained on");
        Require(Data.Synthetic is null || AllSites.Count() == 1, "data.synthetic", "has one site; train an sae on it");
        Require(Run.LogSteps > 0, "run.log_steps", "must be 1 or more");
        Require(Run.CheckpointMinutes > 0, "run.checkpoint_minutes", "must be above 0");
        Require(Run.CheckpointSteps is null or > 0, "run.checkpoint_steps", "must be 1 or more");
        Require(Evaluation.EverySteps is null or > 0, "evaluation.every_steps", "must be 1 or more");
        Require(Evaluation.Rows > 0, "evaluation.rows", "must be 1 or more");
        Require(Evaluation.Tokens >= 0, "evaluation.tokens", "must not be negative");
        Require(Data.LongestLine > 0, "data.longest_line", "must be 1 or more");
        Require(Data.TextColumn is not { Length: 0 }, "data.text_column", "has no name");
        Require(Data.HeldOut is >= 0 and <= 0.5, "data.held_out", "must be 0 to 0.5");
        Require(Search.L0 is null or > 0 && Search.Tolerance > 0, "search", "needs an l0 and a tolerance above 0");
        Require(Search.Runs > 0 && Search.Steps is null or > 0, "search", "needs 1 run and 1 step or more");
        Require(
            Search.L0 is null || Recipe is { Sparsity: not SparsityTerm.None, Lambda: > 0 },
            "search.l0",
            "needs a sparsity term with a lambda above 0 to begin with; the L0 of top_k and batch_top_k is recipe.k"
        );
        RequireForm(_ => 1);
    }

    /// <summary>Refuses before training what could not be written after it: the smallest dictionary of the same kind and recipe is made and
    /// offered to the form.</summary>
    /// <param name="width">Numbers in a row of a site; only which are equal matters.</param>
    /// <exception cref="ArgumentProblemException">The recipe contradicts itself, cannot be folded, or no form (or not the one asked for)
    /// expresses the dictionary.</exception>
    internal void RequireForm(Func<Site, int> width)
    {
        var smallest = this with
        {
            Width = Sites.Count,
            Recipe = Recipe with { K = 1, KStart = Recipe.KStart is null ? null : 1, Prefixes = null },
        };
        double[] scales = [.. Sites.Select(_ => 1.0)];
        using var trainer = DictionaryTrainer.Create(smallest.EffectiveRecipe, smallest.Shape(width), 0);
        using var dictionary = trainer.ToDictionary($"{Kind} of {string.Join(", ", Sites)}", scales, scales, Sites, Outputs);
        var form = Form ?? DictionaryFolder.FormOf(dictionary);
        DictionaryWriter.Prepare(dictionary, DictionaryFolder.Of(dictionary, l0: 1, form), form, new());
    }
}

/// <summary>Where activations come from: a store, a model that reads a text, or a model whose features are known.</summary>
public sealed record DataSettings
{
    /// <summary>The folder of a store of activations, or null.</summary>
    public string? Store { get; init; }

    /// <summary>The file of a model of activations with known features (<see cref="Activations.SyntheticModelFile"/>), or null.</summary>
    public string? Synthetic { get; init; }

    /// <summary>The model whose activations they are; of a store only needed to measure losses.</summary>
    public string? Model { get; init; }

    /// <summary>Text files, JSON lines or folders that the model reads.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <inheritdoc cref="TextReading.TextColumn"/>
    public string? TextColumn { get; init; }

    /// <inheritdoc cref="TextReading.SkipBadRows"/>
    public bool SkipBadRows { get; init; }

    /// <inheritdoc cref="TextReading.SeparateDocuments"/>
    public bool SeparateDocuments { get; init; }

    /// <inheritdoc cref="TextReading.LongestLine"/>
    public int LongestLine { get; init; } = TextFile.LongestLine;

    /// <summary>How texts are read.</summary>
    public TextReading Reading =>
        new()
        {
            TextColumn = TextColumn,
            SkipBadRows = SkipBadRows,
            SeparateDocuments = SeparateDocuments,
            LongestLine = LongestLine,
        };

    /// <summary>Decides the order of the activations.</summary>
    public long Seed { get; init; }

    /// <summary>Tokens of a window of text, BOS included; null: 1024, or the model's longest context where that is shorter.</summary>
    public int? Window { get; init; }

    /// <summary>
    /// Share of the windows of a text that are not trained on, so that the result can be measured on them; 0: none. Ignored for a store.
    /// Which they are follows from their number alone.
    /// </summary>
    public double HeldOut { get; init; } = 0.05;

    /// <summary>Rows of text kept in memory to be shuffled; ignored for a store, which is shuffled.</summary>
    public int BufferRows { get; init; } = 1 << 15;

    /// <summary>Tokens of a window for a model.</summary>
    public int WindowFor(GemmaModel model) => Window ?? Math.Min(LongestWindow, model.Config.MaxPositions);

    private const int LongestWindow = 1024;
}

/// <summary>How often a run says how it does, and saves itself. Nothing here changes what is learned.</summary>
public sealed record RunSettings
{
    /// <summary>Steps between two lines of metrics.</summary>
    public int LogSteps { get; init; } = 50;

    /// <summary>Minutes between two checkpoints.</summary>
    public double CheckpointMinutes { get; init; } = 10;

    /// <summary>Steps between two checkpoints too, or null.</summary>
    public int? CheckpointSteps { get; init; }
}

/// <summary>What the dictionary is measured on when it is finished, and on the way.</summary>
public sealed record HeldOutSettings
{
    /// <summary>Texts that were not trained on; needs the model. Empty: what is held out of the text trained on, or the activations of a
    /// store that the run did not see.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>Tokens measured on; 0: nothing is measured.</summary>
    public long Tokens { get; init; } = 50_000;

    /// <summary>Steps after which FVU and L0 are measured on held-out activations while the run goes on, again and again; null:
    /// never. Nothing of what is learned depends on it.</summary>
    public long? EverySteps { get; init; }

    /// <summary>Activations measured on then; they are kept in memory.</summary>
    public int Rows { get; init; } = 8192;
}
