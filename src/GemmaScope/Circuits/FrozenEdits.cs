using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// The edits that put parts of the clean run into another run of the same prompt, so that the model's own forward pass becomes the linear
/// model of attribution: patterns, norm denominators, MLP outputs, what embeddings of layers add. One run at a time.
/// </summary>
/// <param name="model">The clean run.</param>
/// <param name="first">First layer whose norms and MLP are frozen.</param>
/// <param name="end">One past the last.</param>
internal sealed class FrozenEdits(ReplacementModel model, int first, int end)
{
    private readonly GemmaConfig _config = model.Model.Config;
    private readonly GemmaWeights _weights = model.Model.Weights;
    private float[] _kept = [];

    /// <summary>Attention patterns of all layers.</summary>
    public IEnumerable<Edit> Patterns() =>
        Enumerable
            .Range(0, model.Layers)
            .Select(layer =>
                Edit.OfHeads(new Site(SiteKind.AttnPattern, layer), (matrices, _) => model.Frozen.Pattern(layer).CopyTo(matrices))
            );

    /// <summary>Norms and MLP outputs of the frozen layers, and the final norm if the last layer is one.</summary>
    public IEnumerable<Edit> NormsAndMlps()
    {
        var frozenLayers = Enumerable.Range(first, end - first).ToArray();
        model.Capture([
            .. frozenLayers.Select(Site.MlpOut),
            .. frozenLayers.Select(layer => new Site(SiteKind.PleOut, layer)).Where(_config.Has),
            .. frozenLayers.Select(layer => model.Transcoders[layer]).Where(one => one?.Skip is not null).Select(one => one!.Input),
        ]);
        foreach (var layer in frozenLayers)
        {
            var (weights, frozen) = (_weights.Layers[layer], model.Frozen);
            var edits = Norm(Site.ResidPre(layer), new Site(SiteKind.Ln1Normalized, layer), frozen.BeforeAttention[layer], null)
                .Concat(frozen.Values[layer].Length > 0 ? ValueNorm(layer) : [])
                .Concat(
                    Norm(new Site(SiteKind.AttnOutRaw, layer), Site.AttnOut(layer), frozen.AfterAttention[layer], weights.PostAttentionGain)
                )
                .Concat(Norm(Site.ResidMid(layer), new Site(SiteKind.Ln2Normalized, layer), frozen.BeforeMlp[layer], null))
                .Concat(Mlp(layer))
                .Concat(_config.PerLayer is null ? [] : [Clean(new Site(SiteKind.PleOut, layer))]);
            foreach (var edit in edits)
                yield return edit;
        }
        if (end == model.Layers && first < end)
            foreach (var edit in Norm(Site.ResidPost(end - 1), new Site(SiteKind.LnFinalNormalized), model.Frozen.Final, null))
                yield return edit;
    }

    /// <summary>Keeps what a norm reads and puts its output in place: x / rms of the clean run (· gain). One follows the other, so that one
    /// buffer serves all.</summary>
    private Edit[] Norm(Site input, Site output, float[] scale, float[]? gain) =>
        [
            Keep(input),
            Edit.Function(
                output,
                (rows, _) =>
                {
                    for (var i = 0; i < rows.Rows; i++)
                    {
                        TensorPrimitives.Multiply(_kept.AsSpan(i * rows.Columns, rows.Columns), scale[i], rows.Row(i));
                        if (gain is not null)
                            TensorPrimitives.Multiply(rows.Row(i), gain, rows.Row(i));
                    }
                }
            ),
        ];

    /// <summary>The same of each head's values.</summary>
    private Edit[] ValueNorm(int layer) =>
        [
            Keep(new Site(SiteKind.V, layer)),
            Edit.Function(
                new Site(SiteKind.VNormed, layer),
                (rows, _) =>
                {
                    for (var i = 0; i < rows.Rows; i++)
                        model.Frozen.NormValues(layer, i, _kept.AsSpan(i * rows.Columns, rows.Columns), rows.Row(i));
                }
            ),
        ];

    private Edit Keep(Site site) =>
        Edit.Function(
            site,
            (rows, _) =>
            {
                if (_kept.Length < rows.Rows * rows.Columns)
                    _kept = new float[rows.Rows * rows.Columns];
                for (var i = 0; i < rows.Rows; i++)
                    rows.Row(i).CopyTo(_kept.AsSpan(i * rows.Columns));
            }
        );

    /// <summary>The activations of the clean run.</summary>
    private Edit Clean(Site site)
    {
        var clean = model.Activations(site);
        return Edit.Function(
            site,
            (rows, _) =>
            {
                for (var i = 0; i < rows.Rows; i++)
                    clean.Row(i).CopyTo(rows.Row(i));
            }
        );
    }

    /// <summary>mlp_out := its clean value + (x − x_clean) W_skip.</summary>
    private IEnumerable<Edit> Mlp(int layer)
    {
        var output = Site.MlpOut(layer);
        var clean = model.Activations(output);
        Tensor? path = null;
        if (model.Transcoders[layer] is { Skip: { } skip } transcoder)
        {
            var read = model.Activations(transcoder.Input);
            yield return Edit.Function(
                transcoder.Input,
                (rows, _) =>
                {
                    using var difference = Tensor.Uninitialized(rows.Rows, rows.Columns);
                    for (var i = 0; i < rows.Rows; i++)
                        TensorPrimitives.Subtract(rows.Row(i), read.Row(i), difference.Row(i));
                    path = Tensor.Uninitialized(rows.Rows, rows.Columns);
                    Compute.Kernels.Multiply(difference.AsMatrix(), skip, path.AsMatrix(), Arithmetic.Exact);
                }
            );
        }
        yield return Edit.Function(
            output,
            (rows, _) =>
            {
                using var added = path;
                for (var i = 0; i < rows.Rows; i++)
                {
                    clean.Row(i).CopyTo(rows.Row(i));
                    if (added is not null)
                        TensorPrimitives.Add(rows.Row(i), added.Row(i), rows.Row(i));
                }
            }
        );
    }
}
