using System.Text;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Tests.Models;

/// <summary>A published folder of Gemma 2 as a GGUF file, its matrices in one type, quantised as the reference does: by the number of a block
/// that is largest.</summary>
internal static class GgufCopy
{
    private const int Alignment = 32;

    /// <param name="folder">config.json, model.safetensors and tokenizer.model, and a chat template if it has one.</param>
    /// <param name="file">Where to write.</param>
    /// <param name="type">F32, F16, BF16, Q8_0, Q6_K, Q5_0 or Q4_0.</param>
    /// <param name="rename">Another text for a token; null for its own.</param>
    /// <param name="called">What it says it is called, if anything.</param>
    public static void Write(string folder, string file, DType type, Func<int, string?>? rename = null, string? called = null)
    {
        using var stored = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        (string Name, Tensor Wide, DType Type)[] tensors =
        [
            .. stored.Tensors.Select(pair =>
                (pair.Key["model.".Length..], pair.Value.ToF32(), pair.Value.Shape.Length > 1 ? type : DType.F32)
            ),
        ];
        // Gains are stored with the 1 added.
        foreach (var (_, wide, _) in tensors)
            if (wide.Shape.Length == 1)
                foreach (ref var gain in wide.AsSpan())
                    gain += 1;
        var keys = Keys(folder, rename);
        if (called is not null)
            keys["general.name"] = called;
        Write(file, keys, [.. tensors.Select(one => one with { Name = GgufModel.NameOf(one.Name) })]);
    }

    /// <summary>Writes a file of keys and tensors, and disposes these.</summary>
    /// <param name="file">Where to write.</param>
    /// <param name="keys">Whole numbers, floats, flags, texts, and arrays of them.</param>
    /// <param name="tensors">Names in the file, numbers, and the type that they get.</param>
    public static void Write(
        string file,
        IReadOnlyDictionary<string, object> keys,
        IReadOnlyList<(string Name, Tensor Wide, DType Type)> tensors
    )
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)keys.Count);
        foreach (var (key, value) in keys)
        {
            Text(writer, key);
            Value(writer, value);
        }
        long offset = 0;
        foreach (var (name, wide, stores) in tensors)
        {
            Text(writer, name);
            writer.Write((uint)wide.Shape.Length);
            foreach (var size in wide.Shape.ToArray().Reverse())
                writer.Write((ulong)size);
            writer.Write(
                stores switch
                {
                    DType.F32 => 0u,
                    DType.F16 => 1,
                    DType.Q4_0 => 2,
                    DType.Q5_0 => 6,
                    DType.Q8_0 => 8,
                    DType.Q6_K => 14,
                    DType.BF16 => 30,
                    _ => throw new ArgumentException($"{stores}"),
                }
            );
            writer.Write((ulong)offset);
            offset += Padded(stores.ByteLength(wide.Length));
        }
        foreach (var (_, wide, stores) in tensors)
        {
            writer.Write(new byte[Padded(stream.Length) - stream.Length]);
            writer.Write(Encode(wide.AsSpan(), stores));
            wide.Dispose();
        }
        writer.Flush();
        File.WriteAllBytes(file, stream.ToArray());
    }

    private static Dictionary<string, object> Keys(string folder, Func<int, string?>? rename)
    {
        var config = GemmaConfig.Load(folder);
        var vocabulary = SentencePieceModel.Read(File.ReadAllBytes(Path.Combine(folder, "tokenizer.model")), folder);
        var keys = new Dictionary<string, object>
        {
            ["general.architecture"] = "gemma2",
            ["gemma2.block_count"] = config.Layers,
            ["gemma2.embedding_length"] = config.Width,
            ["gemma2.feed_forward_length"] = config.Shapes[0].MlpWidth,
            ["gemma2.attention.head_count"] = config.Heads,
            ["gemma2.attention.head_count_kv"] = config.Shapes[0].KeyValueHeads,
            ["gemma2.attention.key_length"] = config.Shapes[0].HeadSize,
            ["gemma2.attention.value_length"] = config.Shapes[0].HeadSize,
            ["gemma2.attention.sliding_window"] = config.Window,
            ["gemma2.attention.layer_norm_rms_epsilon"] = (float)config.NormEpsilon,
            ["gemma2.context_length"] = config.MaxPositions,
            ["gemma2.attn_logit_softcapping"] = config.AttentionCap!.Value,
            ["gemma2.final_logit_softcapping"] = config.FinalCap!.Value,
            ["tokenizer.ggml.model"] = "llama",
            ["tokenizer.ggml.tokens"] = vocabulary.Pieces.Select((piece, id) => rename?.Invoke(id) ?? piece).ToArray(),
            ["tokenizer.ggml.scores"] = vocabulary.Scores.ToArray(),
            ["tokenizer.ggml.token_type"] = vocabulary.Kinds.Select(kind => (int)kind).ToArray(),
            ["tokenizer.ggml.bos_token_id"] = vocabulary.BosId,
            ["tokenizer.ggml.eos_token_id"] = vocabulary.EosId,
            ["tokenizer.ggml.unknown_token_id"] = vocabulary.UnkId,
            ["tokenizer.ggml.padding_token_id"] = vocabulary.PadId,
            ["tokenizer.ggml.add_space_prefix"] = vocabulary.AddDummyPrefix,
        };
        if (File.Exists(Path.Combine(folder, "chat_template.jinja")))
            keys["tokenizer.chat_template"] = File.ReadAllText(Path.Combine(folder, "chat_template.jinja"));
        return keys;
    }

    private static void Text(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static void Value(BinaryWriter writer, object value)
    {
        writer.Write(Kind(value.GetType()));
        switch (value)
        {
            case Array array:
                writer.Write(Kind(array.GetType().GetElementType()!));
                writer.Write((ulong)array.Length);
                foreach (var one in array)
                    Bare(writer, one);
                break;
            default:
                Bare(writer, value);
                break;
        }
    }

    private static uint Kind(Type type) =>
        type.IsArray ? 9u
        : type == typeof(int) ? 5u
        : type == typeof(float) ? 6u
        : type == typeof(bool) ? 7u
        : 8u;

    private static void Bare(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case int number:
                writer.Write(number);
                break;
            case float number:
                writer.Write(number);
                break;
            case bool flag:
                writer.Write(flag);
                break;
            default:
                Text(writer, (string)value);
                break;
        }
    }

    private static long Padded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static byte[] Encode(ReadOnlySpan<float> values, DType type)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        if (!type.IsBlockType())
            foreach (var value in values)
                if (type == DType.F32)
                    writer.Write(value);
                else
                    writer.Write(type == DType.BF16 ? Conversions.F32ToBF16(value) : BitConverter.HalfToUInt16Bits((Half)value));
        else
            for (var at = 0; at < values.Length; at += type.BlockLength())
                if (type == DType.Q6_K)
                    SuperBlock(writer, values.Slice(at, 256));
                else
                    Block(writer, values.Slice(at, 32), type);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Q8_0: the largest becomes ±127. Q4_0, Q5_0: the largest becomes the lowest number, which has no opposite.</summary>
    private static void Block(BinaryWriter writer, ReadOnlySpan<float> x, DType type)
    {
        var largest = 0f;
        foreach (var value in x)
            largest = Math.Abs(value) > Math.Abs(largest) ? value : largest;
        var half = type switch
        {
            DType.Q4_0 => 8,
            DType.Q5_0 => 16,
            _ => 0,
        };
        var scale = half == 0 ? Math.Abs(largest) / 127 : largest / -half;
        var inverse = scale == 0 ? 0 : 1 / scale;
        writer.Write((Half)scale);
        if (half == 0)
        {
            foreach (var value in x)
                writer.Write((sbyte)MathF.Round(value * inverse, MidpointRounding.AwayFromZero));
            return;
        }
        var q = new uint[32];
        for (var i = 0; i < 32; i++)
            q[i] = (uint)Math.Clamp((int)(x[i] * inverse + half + 0.5f), 0, 2 * half - 1);
        if (type == DType.Q5_0)
            writer.Write(q.Select((value, i) => (value >> 4) << i).Aggregate((a, b) => a | b));
        for (var i = 0; i < 16; i++)
            writer.Write((byte)((q[i] & 15) | ((q[i + 16] & 15) << 4)));
    }

    /// <summary>Q6_K: of each 16 numbers the largest becomes the lowest number; the reference also tries scales nearby.</summary>
    private static void SuperBlock(BinaryWriter writer, ReadOnlySpan<float> x)
    {
        var scales = new float[16];
        for (var group = 0; group < 16; group++)
        {
            var largest = 0f;
            foreach (var value in x.Slice(16 * group, 16))
                largest = Math.Abs(value) > Math.Abs(largest) ? value : largest;
            scales[group] = largest / -32;
        }
        var d = (float)(Half)(scales.Max(Math.Abs) / 127);
        sbyte[] steps = [.. scales.Select(scale => (sbyte)(d == 0 ? 0 : MathF.Round(scale / d)))];
        Span<byte> low = stackalloc byte[128],
            high = stackalloc byte[64];
        for (var i = 0; i < 256; i++)
        {
            var (n, k, l) = (i / 128, i / 32 % 4, i % 32);
            var step = d * steps[i / 16];
            var q = step == 0 ? 32 : Math.Clamp((int)MathF.Round(x[i] / step) + 32, 0, 63);
            low[64 * n + 32 * (k % 2) + l] |= (byte)((q & 15) << (k < 2 ? 0 : 4));
            high[32 * n + l] |= (byte)((q >> 4) << (2 * k));
        }
        writer.Write(low);
        writer.Write(high);
        foreach (var step in steps)
            writer.Write(step);
        writer.Write((Half)d);
    }
}
