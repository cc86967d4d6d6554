using GemmaScope.Behaviour.Verbalising;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="VerbaliseJob"/> does.</summary>
public sealed record VerbaliseJobOptions
{
    /// <summary>The text whose activations are described; null where vectors come from files alone.</summary>
    public string? Text { get; init; }

    /// <summary>Whether the text is a message to a chat model, read up to where its reply begins.</summary>
    public bool Chat { get; init; }

    /// <summary>How many tokens from the end are described; 0 for all but BOS.</summary>
    public int Last { get; init; } = 1;

    /// <summary>Files with a vector each (.npy, .npz, .safetensors, .pt).</summary>
    public IReadOnlyList<string> Vectors { get; init; } = [];

    /// <summary>The layer behind which the text is read; null for the one that the verbaliser learned with.</summary>
    public int? Layer { get; init; }

    /// <summary>Another length of vectors than the verbaliser's; null for that.</summary>
    public double? Scale { get; init; }

    /// <summary>How descriptions are written.</summary>
    public GenerationOptions Sampling { get; init; } = new() { MaxNewTokens = 200, Temperature = 0 };

    /// <summary>Decides shuffles and intervals.</summary>
    public int Seed { get; init; }

    /// <summary>Draws of the bootstrap, from 1.</summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">There is nothing to describe, or a number cannot be.</exception>
    public void Check()
    {
        if (Text is null && Vectors.Count == 0)
            throw new ArgumentProblemException(
                "there is nothing to describe: give a text, or files with vectors",
                new Setting(nameof(Text))
            );
        foreach (var (value, least, name) in ((int, int, string)[])[(Last, 0, nameof(Last)), (Resamples, 1, nameof(Resamples))])
            if (value < least)
                throw new ArgumentProblemException($"must be at least {least}", new Setting(name));
        if (Layer < 0)
            throw new ArgumentProblemException("must be 0 or more", new Setting(nameof(Layer)));
        if (Scale is { } scale && !(scale > 0 && double.IsFinite(scale)))
            throw new ArgumentProblemException("must be a length above 0", new Setting(nameof(Scale)));
    }
}

/// <summary>Describes activations in words by a verbaliser, and turns the words back by a reconstructor, beside controls.</summary>
public static class VerbaliseJob
{
    /// <summary>Finds, downloads where needed, and opens a reconstructor.</summary>
    /// <param name="name">A folder, or org/name on the hub.</param>
    /// <param name="load">How its model is loaded; null for the defaults.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<ActivationReconstructor> OpenReconstructorAsync(
        string name,
        ModelLoadOptions? load = null,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var folder = await Locator.ModelAsync(name, progress, cancellationToken).ConfigureAwait(false);
        progress.Stage($"loading {name}");
        return await Task.Run(() => ActivationReconstructor.Load(folder, load), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Describes vectors.</summary>
    /// <param name="microscope">The model whose activations are described; null where vectors come from files alone.</param>
    /// <param name="verbaliser">The model that describes them.</param>
    /// <param name="reconstructor">The model that turns descriptions back; null for none.</param>
    /// <param name="options">What is described.</param>
    /// <param name="progress">Told what is being done, and what the user should know.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <exception cref="GemmaScopeException">The models do not belong together, or a file holds no vector of this width.</exception>
    public static Task<VerbaliseResult> RunAsync(
        Microscope? microscope,
        Microscope verbaliser,
        ActivationReconstructor? reconstructor,
        VerbaliseJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, verbaliser, reconstructor, options, progress, cancellationToken), cancellationToken);
    }

    private static VerbaliseResult Run(
        Microscope? microscope,
        Microscope verbaliser,
        ActivationReconstructor? reconstructor,
        VerbaliseJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var metadata = NlaMetadata.Read(verbaliser.Model.Folder);
        var describing = new ActivationVerbaliser(verbaliser.Model, metadata, options.Scale);
        if (
            reconstructor is not null
            && reconstructor.Metadata is var other
            && (other.Width != metadata.Width || other.Layer != metadata.Layer)
        )
            throw new ArgumentProblemException(
                $"is of vectors of {other.Width} numbers behind layer {other.Layer}, the verbaliser of {metadata.Width} behind layer "
                    + $"{metadata.Layer}; they are no pair",
                other.File
            );
        var layer = options.Layer ?? metadata.Layer;
        if (options.Layer is { } asked && metadata.Layer is { } learned && asked != learned)
            progress.Note($"the verbaliser learned with vectors behind layer {learned}; what it says of layer {asked} has no ground.");
        progress.Stage("reading activations");
        List<VerbalisedVector> read = [];
        if (options.Text is { } text)
            read.AddRange(Read(microscope, text, layer, metadata, options, cancellationToken));
        read.AddRange(options.Vectors.Select(file => new VerbalisedVector(Path.GetFileName(file), null, null, Fitting(file, metadata))));
        float[][] vectors = [.. read.Select(one => one.Vector)];
        float[][] shuffled = [.. vectors.Select((vector, i) => RoundTrip.Shuffled(vector, unchecked(options.Seed + i)))];
        var sampling = options.Sampling with
        {
            StopTokens = ChatTuning.StopTokens(verbaliser.Model),
            Seed = options.Sampling.Seed ?? options.Seed,
        };
        var counting = progress.Counting("describing", "vectors", 2 * vectors.Length);
        var described = describing.Describe([.. vectors, .. shuffled], sampling, counting, cancellationToken);
        if (described.Take(vectors.Length).Count(one => !one.IsMarked) is > 0 and var unmarked)
            progress.Note(
                $"{unmarked} of {vectors.Length} descriptions have no marks around them: they were cut short, or the model does not know such "
                    + "vectors. All it wrote is shown."
            );
        if (reconstructor is null)
            return VerbaliseResult.Of(microscope, verbaliser, metadata, layer, options, read, described, null, null);
        progress.Stage("turning descriptions back");
        var reconstructed = reconstructor.Reconstruct([.. described.Select(one => one.Text)], null, cancellationToken);
        return VerbaliseResult.Of(
            microscope,
            verbaliser,
            metadata,
            layer,
            options,
            read,
            described,
            RoundTrip.Of(vectors, reconstructed[..vectors.Length]),
            // The shuffled vector's description should say nothing of the vector.
            RoundTrip.Of(vectors, reconstructed[vectors.Length..])
        );
    }

    private static List<VerbalisedVector> Read(
        Microscope? microscope,
        string text,
        int? layer,
        NlaMetadata metadata,
        VerbaliseJobOptions options,
        CancellationToken cancellationToken
    )
    {
        var model =
            microscope?.Model
            ?? throw new ArgumentProblemException("a model is needed to read the text", new Setting(nameof(options.Text)));
        if (model.Config.Width != metadata.Width)
            throw new ArgumentProblemException(
                $"has a residual stream of {model.Config.Width} numbers, the verbaliser reads {metadata.Width}; it is of another model",
                microscope.ModelName
            );
        if (layer is not { } at || at >= model.Config.Layers)
            throw new ArgumentProblemException(
                layer is null
                    ? "the verbaliser's file does not name one"
                    : $"there is no layer {layer}; the model has 0 to {model.Config.Layers - 1}",
                new Setting(nameof(options.Layer))
            );
        var ids = options.Chat
            ? model.ChatTemplate.Encode(model.Tokenizer, [new ChatMessage("user", text)], addGenerationPrompt: true)
            : model.Tokenizer.Encode(text, addBos: true);
        using var run = model.Run(ids, capture: [Site.ResidPost(at)], cancellationToken: cancellationToken);
        var first = options.Last == 0 ? 1 : Math.Max(1, ids.Length - options.Last);
        List<VerbalisedVector> read = [];
        for (var position = first; position < ids.Length; position++)
            read.Add(new("text", position, model.Tokenizer.Decode([ids[position]]), run[Site.ResidPost(at)].Row(position).ToArray()));
        return read.Count > 0 ? read : throw new ArgumentProblemException("holds no token behind BOS", new Setting(nameof(options.Text)));
    }

    private static float[] Fitting(string file, NlaMetadata metadata)
    {
        var vector = VectorFile.Read(file);
        return vector.Length == metadata.Width
            ? vector
            : throw new ArgumentProblemException($"has {vector.Length} numbers, the verbaliser reads {metadata.Width}", file);
    }
}

/// <summary>A vector that is described, and where it comes from.</summary>
internal sealed record VerbalisedVector(string Source, int? Position, string? Token, float[] Vector);
