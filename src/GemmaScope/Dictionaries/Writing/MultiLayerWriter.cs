using System.Numerics.Tensors;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Writes dictionaries of several layers in the form of Gemma Scope 2: params_layer_i.safetensors with w_dec [features, layers, d] by
/// absolute
/// target layer, zeros towards earlier ones, and config.json (METHODS §3.2).
/// </summary>
internal static class MultiLayerWriter
{
    public static Action<string> Make(MultiLayerDictionary dictionary, DictionaryWriteOptions options, CancellationToken cancellationToken)
    {
        var (inputs, outputs) = (Hooks(dictionary, dictionary.InputSites), Hooks(dictionary, dictionary.OutputSites));
        var norms = options.FoldDecoderNorm ? WritableLayer.Norms(dictionary) : null;
        return target =>
        {
            for (var l = 0; l < dictionary.Blocks.Count; l++)
                SafetensorsWriter.Write(
                    Path.Combine(target, MultiLayerReader.FileOf(l)),
                    Tensors(dictionary.Blocks[l], dictionary.Blocks.Count, norms, options.Type),
                    cancellationToken: cancellationToken
                );
            DictionaryWriter.WriteJson(
                Path.Combine(target, "config.json"),
                json =>
                {
                    foreach (
                        var (key, hooks) in (ReadOnlySpan<(string, string[])>)[("hf_hook_point_in", inputs), ("hf_hook_point_out", outputs)]
                    )
                    {
                        json.WriteStartArray(key);
                        foreach (var hook in hooks)
                            json.WriteStringValue(hook);
                        json.WriteEndArray();
                    }
                    ScopeWriter.WriteConfig(json, dictionary, dictionary.Kind == DictionaryKind.Crosscoder ? "crosscoder" : "clt");
                }
            );
        };
    }

    private static string[] Hooks(MultiLayerDictionary dictionary, IReadOnlyList<Models.Site> sites) =>
        [.. sites.Select(site => ScopeWriter.Hook(dictionary, site))];

    private static IEnumerable<TensorSource> Tensors(LayerBlock block, int layers, float[]? norms, DType type)
    {
        var (encoder, model) = (block.Encoder, block.Bias.Length);
        var selector = (ThresholdSelector)encoder.Selector;
        float[] own = norms?[block.Start..(block.Start + encoder.Features)] ?? [.. Enumerable.Repeat(1f, encoder.Features)];
        yield return WeightRows.Source(
            "w_enc",
            [model, encoder.Features],
            type,
            (row, values) =>
            {
                WeightRows.Input(encoder.Weights, row, values);
                TensorPrimitives.Multiply(values, own, values);
            }
        );
        yield return WeightRows.Source(
            "w_dec",
            [encoder.Features, layers, model],
            type,
            (row, values) =>
            {
                var (feature, t) = (row / layers, row % layers);
                if (block.Decoders[t] is not { } decoder)
                    values.Clear();
                else
                {
                    decoder.Read(feature, values);
                    TensorPrimitives.Divide(values, own[feature], values);
                }
            }
        );
        yield return WritableLayer.Vector("b_enc", [.. selector.Bias.Zip(own, (value, norm) => value * norm)]);
        yield return WritableLayer.Vector("threshold", [.. selector.Threshold.Zip(own, (value, norm) => value * norm)]);
        yield return WritableLayer.Vector("b_dec", block.Bias);
        if (block.Skip is { } skip)
            yield return WeightRows.Source(
                ScopeReader.Skip,
                [skip.Inputs, skip.Outputs],
                type,
                (row, values) => WeightRows.Input(skip, row, values)
            );
    }
}
