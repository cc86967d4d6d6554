using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>
/// What the keys and tensors of a GGUF file say of Gemma 4 alone: two head sizes, values that are keys, layers that read the keys and values
/// of earlier ones, embeddings for each layer, experts, and which pairs of a global layer's heads turn. Keys and names are those of
/// llama.cpp's architecture <c>gemma4</c>.
/// </summary>
internal sealed class GgufGemma4Reader(GgufFile file, GgufConfigKeys keys)
{
    private const string Frequencies = "rope_freqs.weight",
        Table = "per_layer_token_embd.weight",
        Shared = "attention.shared_kv_layers";

    /// <summary>Divided by so much an angle is none.</summary>
    private const float NoTurn = 1e20f;

    /// <summary>The layers.</summary>
    /// <param name="layers">How many there are.</param>
    /// <param name="heads">Query heads.</param>
    /// <exception cref="FileFormatException">A key is missing or absurd, or does not fit the kinds of the layers.</exception>
    public IReadOnlyList<LayerShape> Shapes(int layers, int heads)
    {
        var sliding = keys.Sliding(layers, null);
        var (full, local) = (HeadSize("key_length", "value_length"), HeadSize("key_length_swa", "value_length_swa"));
        RequireWholeHeads("rope.dimension_count", full);
        RequireWholeHeads("rope.dimension_count_swa", local);
        var (keyValueHeads, mlp) = (keys.Sizes("attention.head_count_kv", layers), keys.Sizes("feed_forward_length", layers));
        if (keyValueHeads.FirstOrDefault(count => heads % count != 0) is var wrong and not 0)
            throw keys.Bad("attention.head_count", $"is {heads}, no multiple of head_count_kv {wrong}");
        var shared = keys.Count(Shared);
        var first = shared < layers ? layers - shared : throw keys.Bad(Shared, $"is {shared} of {layers} layers");
        return
        [
            .. sliding.Select(
                (slides, layer) =>
                    new LayerShape
                    {
                        Sliding = slides,
                        HeadSize = slides ? local : full,
                        KeyValueHeads = keyValueHeads[layer],
                        MlpWidth = mlp[layer],
                        ValuesAreKeys = layer < first && file.Find($"blk.{layer}.attn_v.weight") is null,
                        KeyValueSource = layer < first ? null : Source(sliding, first, layer),
                    }
            ),
        ];
    }

    /// <summary>The embeddings for each layer, or null.</summary>
    public PerLayerShape? PerLayer() =>
        keys.Count("embedding_length_per_layer_input") is > 0 and var width ? new(checked((int)file[Table].Rows), width) : null;

    /// <summary>The experts, or null.</summary>
    public ExpertShape? Experts()
    {
        if (keys.Count("expert_count") is not (> 0 and var count))
            return null;
        var active = keys.Size("expert_used_count");
        return active <= count
            ? new(count, active, keys.Size("expert_feed_forward_length"))
            : throw keys.Bad("expert_used_count", $"is {active} of {count} experts");
    }

    /// <summary>RoPE of global layers. Of each pair of a head the file says by what its angle is divided: by 1 where it turns, by a number
    /// beyond all bounds where it does not.</summary>
    public RopeSettings GlobalRope(double theta, int headSize)
    {
        using var wide = file[Frequencies].ToF32();
        var divisors = wide.AsSpan();
        var turning = divisors.IndexOfAnyExceptInRange(1f, 1f);
        turning = turning < 0 ? divisors.Length : turning;
        if (divisors.Length != headSize / 2 || turning == 0 || divisors[turning..].IndexOfAnyInRange(float.MinValue, NoTurn) >= 0)
            throw new FileFormatException(
                $"the tensor '{Frequencies}' must divide the angles of {headSize / 2} pairs by 1 as long as they turn, and by {NoTurn:0e+0} or more "
                    + $"from there on; it has {divisors.Length} values, of which the first {turning} are 1",
                file.FileOf(Frequencies)
            );
        var part = turning / (double)divisors.Length;
        // Rounded down it must be as many pairs again.
        return new(theta, 1, (int)(part * divisors.Length) == turning ? part : double.BitIncrement(part));
    }

    private int HeadSize(string keyLength, string valueLength)
    {
        var size = keys.Size($"attention.{keyLength}");
        if (keys.Size($"attention.{valueLength}") is var values && values != size)
            throw keys.Bad($"attention.{valueLength}", $"is {values} while {keyLength} is {size}; Gemma has one size for both");
        return size % 2 == 0 ? size : throw keys.Bad($"attention.{keyLength}", $"is {size}, an odd number; RoPE turns pairs");
    }

    private void RequireWholeHeads(string name, int headSize)
    {
        if (keys.OptionalSize(name) is { } turned && turned != headSize)
            throw keys.Bad(name, $"is {turned} of {headSize}; which parts of heads turn is told by '{Frequencies}' alone");
    }

    /// <summary>The last layer of the same kind that makes its own.</summary>
    private int Source(bool[] sliding, int first, int layer) =>
        Array.LastIndexOf(sliding, sliding[layer], first - 1) is >= 0 and var source
            ? source
            : throw keys.Bad(
                Shared,
                $"leaves no {(sliding[layer] ? "sliding" : "full")} layer with keys and values of its own, which layer {layer} would read"
            );
}
