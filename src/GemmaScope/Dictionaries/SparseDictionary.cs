using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// A dictionary of features: an encoder from activations at one or several sites to sparse features, and a decoder from
/// features to the same or other sites. Weights are mapped from their file where its form allows; a dictionary may be used from
/// several threads at once and is invalid once disposed.
/// </summary>
public abstract class SparseDictionary : IDisposable
{
    private readonly DictionaryDescription _description;

    private protected SparseDictionary(DictionaryDescription description) => _description = description;

    /// <summary>
    /// Loads a dictionary from a weights file (<c>params.npz</c>, <c>params.safetensors</c>, <c>sae_weights.safetensors</c>, sparsify's
    /// <c>sae.safetensors</c>, dictionary_learning's <c>ae.pt</c>, circuit-tracer's <c>layer_3.safetensors</c>) or the folder that holds it,
    /// or from a folder of a multi-layer one (<c>params_layer_0.safetensors</c> …, <c>W_enc_0.safetensors</c> …); on this machine or on the
    /// hub (cache first).
    /// </summary>
    /// <param name="nameOrPath">A file or folder, a name in the catalogue such as
    /// <c>gemma-scope-2b-pt-res-canonical/layer_20/width_16k</c>, or <c>org/name[@revision]/path</c>.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Interrupts a download, which is continued the next time.</param>
    /// <exception cref="GemmaScopeException">Something is missing, malformed or does not fit together; the message names file and
    /// tensor.</exception>
    public static SparseDictionary Load(
        string nameOrPath,
        DictionaryLoadOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        // A local path stays as it was given, so that messages name what the caller wrote.
        DictionaryLoader.Load(
            Path.Exists(nameOrPath) ? nameOrPath : Resolve(nameOrPath, null, progress, cancellationToken).Path,
            options ?? new()
        );

    /// <summary>Finds or downloads a dictionary by its name in the catalogue (<see cref="DictionaryCatalogue.TryFind"/>) or its reference
    /// on the hub.</summary>
    /// <param name="nameOrPath">A file or folder, a name in the catalogue, or <c>org/name[@revision]/path</c>.</param>
    /// <param name="options">Settings of the hub; null for those of the environment.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Interrupts a download, which is continued the next time.</param>
    /// <exception cref="GemmaScopeException">There is no such dictionary, or it cannot be had.</exception>
    public static ResolvedPath Resolve(
        string nameOrPath,
        HubOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Hub.ResolveDictionary(
            Path.Exists(nameOrPath) || DemoFiles.FindPath(nameOrPath) is not null
                ? nameOrPath
                : DictionaryCatalogue.Load().Reference(nameOrPath),
            options,
            progress,
            cancellationToken
        );

    /// <summary>The dictionaries that lie in a folder itself, not in those below it: the folder, or each file of a set of one file a
    /// layer.</summary>
    /// <param name="folder">A folder on this machine.</param>
    /// <returns>Paths that <see cref="Load"/> takes; empty where there is none.</returns>
    public static IReadOnlyList<string> In(string folder) => DictionaryLoader.In(folder);

    /// <summary>Name within its repository, e.g. <c>layer_20/width_16k/average_l0_71</c>.</summary>
    public string Name => _description.Name;

    /// <summary>Whose files it is made of: Gemma Scope 1, Gemma Scope 2, SAELens, sparsify,
    /// dictionary_learning or circuit-tracer.</summary>
    public string Family => _description.Family;

    /// <summary>What it reads and writes.</summary>
    public DictionaryKind Kind => _description.Kind;

    /// <summary>How features follow from the encoder's products.</summary>
    public abstract ActivationFunction Activation { get; }

    /// <summary>How many features of a row fire at most, for top-k; else null.</summary>
    public virtual int? K => null;

    /// <summary>Where it comes from.</summary>
    public DictionaryOrigin Origin => _description.Origin;

    /// <summary>What its user should know: guesses made while loading and settings that are missing.</summary>
    public IReadOnlyList<string> Warnings => _description.Warnings;

    /// <summary>Why it may not be written in another form, or null.</summary>
    internal string? NotWritable => _description.NotWritable;

    /// <summary>Whether its sites are known; the path, the configuration or the load options say them.</summary>
    public bool HasSites => _description.InputSites.Count > 0;

    /// <summary>The sites it reads, one a layer.</summary>
    /// <exception cref="ArgumentProblemException">The sites are not known.</exception>
    public IReadOnlyList<Site> InputSites => Known(_description.InputSites);

    /// <summary>The sites it writes, one a layer.</summary>
    /// <exception cref="ArgumentProblemException">The sites are not known.</exception>
    public IReadOnlyList<Site> OutputSites => Known(_description.OutputSites);

    /// <summary>The site it reads, of several the first.</summary>
    /// <exception cref="ArgumentProblemException">The sites are not known.</exception>
    public Site InputSite => InputSites[0];

    /// <summary>The site it writes, of several the first.</summary>
    /// <exception cref="ArgumentProblemException">The sites are not known.</exception>
    public Site OutputSite => OutputSites[0];

    /// <summary>Number of features, of all layers together.</summary>
    public abstract int Width { get; }

    /// <summary>Numbers it reads per token, of all input sites together.</summary>
    public abstract int InputWidth { get; }

    /// <summary>Numbers it writes per token, of all output sites together.</summary>
    public abstract int OutputWidth { get; }

    /// <summary>Whether <see cref="Decode"/> needs the input too: for a skip connection, or a scale that each row has of its own.</summary>
    public abstract bool DecodesWithInput { get; }

    /// <summary>
    /// The features of each row. Exact arithmetic; threshold strictly f = z where z &gt; θ; top-k with the lower index first among equals.
    /// Extra memory does not grow with rows × width (about 16 MB beside the result).
    /// </summary>
    /// <param name="x">[tokens, <see cref="InputWidth"/>] activations at the input site; of several sites side by side, in their
    /// order.</param>
    /// <param name="cancellationToken">Stops between blocks of features.</param>
    /// <exception cref="ArgumentProblemException">The rows have another width.</exception>
    public SparseActivations Encode(MatrixView x, CancellationToken cancellationToken = default)
    {
        Require(x, InputWidth, "reads");
        var rows = new FeatureRows(x.Rows, Width);
        EncodeInto(rows, x, cancellationToken);
        return rows.ToActivations();
    }

    /// <summary>The features of each token of a run that captured the dictionary's input sites.</summary>
    /// <exception cref="ArgumentProblemException">An input site was not captured, or the model has another width.</exception>
    public SparseActivations Encode(ModelRun run, CancellationToken cancellationToken = default)
    {
        if (InputSites.Count == 1)
            return Encode(run[InputSite].AsMatrix(), cancellationToken);
        using var x = Beside(run, InputSites);
        return Encode(x.AsMatrix(), cancellationToken);
    }

    /// <summary>What the features stand for: [tokens, <see cref="OutputWidth"/>], of several output sites side by side.</summary>
    /// <param name="features">Features of <see cref="Width"/> columns.</param>
    /// <param name="input">The rows they were encoded from; needed if <see cref="DecodesWithInput"/>.</param>
    /// <exception cref="ArgumentProblemException">Widths or rows do not fit, or the input is missing.</exception>
    public Tensor Decode(SparseActivations features, MatrixView? input = null)
    {
        if (features.Width != Width)
            throw new ArgumentProblemException($"has {features.Width} columns, the dictionary {Name} has {Width} features", "features");
        if (input is null && DecodesWithInput)
            throw new ArgumentProblemException($"the dictionary {Name} needs its input to decode (skip connection or row scale)", "input");
        if (input is { } x)
        {
            Require(x, InputWidth, "reads");
            if (x.Rows != features.Rows)
                throw new ArgumentProblemException($"{x.Rows} rows of input for {features.Rows} rows of features", "input");
        }
        var result = Tensor.Uninitialized(features.Rows, OutputWidth);
        DecodeInto(result.AsMatrix(), features, input);
        return result;
    }

    /// <summary>The decoder vector of a feature on the scale of its output sites, side by side: <see cref="OutputWidth"/>
    /// numbers.</summary>
    /// <exception cref="ArgumentProblemException">There is no such feature, or the vector has another length.</exception>
    public void Decoder(int feature, Span<float> vector)
    {
        if ((uint)feature >= (uint)Width)
            throw new ArgumentProblemException($"{feature} is no feature of {Name}, which has 0 to {Width - 1}", "feature");
        if (vector.Length != OutputWidth)
            throw new ArgumentProblemException(
                $"has room for {vector.Length} numbers, decoder vectors of {Name} have {OutputWidth}",
                "vector"
            );
        ReadDecoder(feature, vector);
    }

    /// <summary>Finds out whether the files that weights are mapped from are still whole; ask it before a run where others might cut them,
    /// for to read where nothing is left ends the process.</summary>
    /// <exception cref="FileFormatException">One was cut short.</exception>
    public void RequireWhole() => (_description.Files as IMappedFiles)?.RequireWhole();

    /// <summary>Unmaps the weights.</summary>
    public void Dispose()
    {
        _description.Files.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract void EncodeInto(FeatureRows rows, MatrixView x, CancellationToken cancellationToken);

    private protected abstract void DecodeInto(MatrixView y, SparseActivations features, MatrixView? input);

    private protected abstract void ReadDecoder(int feature, Span<float> vector);

    /// <summary>Captured activations at several sites of equal width, side by side.</summary>
    internal static Tensor Beside(ModelRun run, IReadOnlyList<Site> sites) => Beside([.. sites.Select(site => run[site].AsMatrix())]);

    /// <summary>Rows of equal number, side by side.</summary>
    internal static Tensor Beside(MatrixView[] parts)
    {
        var result = Tensor.Uninitialized(parts[0].Rows, parts.Sum(part => part.Columns));
        var start = 0;
        foreach (var part in parts)
        {
            var target = result.AsMatrix().SliceColumns(start, part.Columns);
            for (var i = 0; i < part.Rows; i++)
                part.Row(i).CopyTo(target.Row(i));
            start += part.Columns;
        }
        return result;
    }

    private IReadOnlyList<Site> Known(IReadOnlyList<Site> sites) =>
        sites.Count > 0
            ? sites
            : throw new ArgumentProblemException(
                "neither the path nor a configuration says which site this dictionary reads",
                Origin.Path,
                remedy: new Remedy(
                    $"name it with {new Setting("Site")} (and {new Setting("Layer")}), e.g. {new Setting("Site", "resid_post.20")}"
                )
            );

    private void Require(MatrixView x, int width, string verb)
    {
        if (x.Columns != width)
            throw new ArgumentProblemException(
                $"has {x.Columns} columns but the dictionary {Name} {verb} {width}; it belongs to another model or site",
                "x"
            );
    }
}

/// <summary>What the loader found out about a dictionary besides its weights. Site lists are empty where unknown.</summary>
internal sealed record DictionaryDescription(
    string Name,
    string Family,
    DictionaryKind Kind,
    IReadOnlyList<Site> InputSites,
    IReadOnlyList<Site> OutputSites,
    DictionaryOrigin Origin,
    IReadOnlyList<string> Warnings,
    IDisposable Files
)
{
    /// <summary>Why it may be used, with a warning, but not be written in another form: something of it is not known. Null: it may.</summary>
    public string? NotWritable { get; init; }
}
