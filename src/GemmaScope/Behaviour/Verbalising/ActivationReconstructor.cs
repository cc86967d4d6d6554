using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Behaviour.Verbalising;

/// <summary>
/// A model that turns a description back into a vector: the first layers of a Gemma, up to the one behind which the vectors were read, and
/// a square matrix on its last token's residual stream, before any final norm.
/// </summary>
public sealed class ActivationReconstructor : IDisposable
{
    /// <summary>The file of the matrix.</summary>
    public const string HeadName = "value_head.safetensors";

    private readonly GemmaModel _model;
    private readonly SafetensorsFile _head;
    private readonly NlaMetadata _metadata;
    private readonly Site _site;

    private ActivationReconstructor(GemmaModel model, SafetensorsFile head, NlaMetadata metadata)
    {
        (_model, _head, _metadata) = (model, head, metadata);
        if (!metadata.IsReconstructor)
            throw new FileFormatException(
                "is of a model that turns a vector into text; one that turns text into a vector is needed",
                metadata.File
            );
        if (metadata.Width != model.Config.Width)
            throw new FileFormatException($"is of vectors of {metadata.Width} numbers, the model of {model.Config.Width}", metadata.File);
        if (metadata.ReconstructorTemplate is null)
            throw new FileFormatException("has no ar (or critic) among prompt_templates", metadata.File);
        var layer = metadata.Layer ?? model.Config.Layers - 1;
        if (layer < 0 || layer >= model.Config.Layers)
            throw new FileFormatException(
                $"reads behind layer {layer}, and the model has {model.Config.Layers} layers; they do not belong together",
                metadata.File
            );
        _site = Site.ResidPost(layer);
        var weight = Head();
        if (!weight.Type.IsWeightType() || !weight.Shape.SequenceEqual([metadata.Width, metadata.Width]))
            throw new FileFormatException(
                $"holds a {weight.Type} matrix of {FileChecks.Format(weight.Shape)}, and one of {metadata.Width} × {metadata.Width} is needed",
                head.Path
            );
        TensorChecks.RequireFinite(weight, "weight", head.Path);
    }

    /// <summary>What is known of it.</summary>
    public NlaMetadata Metadata => _metadata;

    /// <summary>Opens a folder with a model, its matrix and its metadata.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">How the model is loaded; null for the defaults.</param>
    /// <exception cref="FileFormatException">A file is missing or damaged, or they do not fit together.</exception>
    public static ActivationReconstructor Load(string folder, ModelLoadOptions? options = null)
    {
        var metadata = NlaMetadata.Read(folder);
        var file = Path.Combine(folder, HeadName);
        if (!File.Exists(file))
            throw new FileFormatException($"there is no {HeadName}, the matrix that makes a vector of the last token", folder);
        // Such models are published without the final norm, which they never reach.
        var model = GemmaModel.Load(folder, (options ?? new()) with { MayLackFinalNorm = true });
        SafetensorsFile? head = null;
        try
        {
            head = SafetensorsFile.Open(file);
            return new(model, head, metadata);
        }
        catch
        {
            head?.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <summary>Turns descriptions into vectors; their lengths mean nothing, only their directions were learned.</summary>
    /// <param name="texts">Descriptions.</param>
    /// <param name="progress">Told how many are done.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    /// <exception cref="FileFormatException">A prompt does not end as the model learned it.</exception>
    public float[][] Reconstruct(
        IReadOnlyList<string> texts,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        int[][] prompts = [.. texts.Select(Prompt)];
        List<float[]> vectors = new(prompts.Length);
        using var rows = Tensor.Uninitialized(1, _metadata.Width);
        using var product = Tensor.Uninitialized(1, _metadata.Width);
        foreach (var batch in PromptBatches.Of(prompts))
        {
            using var run = _model.Run(batch, capture: [_site], cancellationToken: cancellationToken);
            for (var s = 0; s < batch.Length; s++)
            {
                var (start, count) = run.RowsOf(s);
                run[_site].Row(start + count - 1).CopyTo(rows.Row(0));
                Compute.Kernels.Multiply(rows.AsMatrix(), WeightView.Of(Head(), WeightLayout.OutIn), product.AsMatrix(), Arithmetic.Exact);
                vectors.Add(product.Row(0).ToArray());
            }
            progress?.Report(vectors.Count);
        }
        return [.. vectors];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _head.Dispose();
        _model.Dispose();
    }

    private int[] Prompt(string text)
    {
        // A raw text with its BOS, no turn of a chat.
        var ids = _model.Tokenizer.Encode(_metadata.Fill(_metadata.ReconstructorTemplate!, "explanation", text), addBos: true);
        return ids.AsSpan().EndsWith([.. _metadata.SuffixIds])
            ? ids
            : throw new FileFormatException(
                $"the prompt ends with other tokens than {string.Join(", ", _metadata.SuffixIds)}; the tokenizer is another than the model "
                    + "learned with",
                _metadata.File
            );
    }

    private Tensor Head() =>
        _head.Tensors.Count == 1
            ? _head[_head.Tensors.Keys.Single()]
            : throw new FileFormatException($"holds {_head.Tensors.Count} tensors, and one matrix is needed", _head.Path);
}
