using System.Text;
using GemmaScope.Numerics;

namespace GemmaScope.Bench.LlamaCpp;

/// <summary>A GGUF file of the shape of Gemma 2 2B with random weights of one type: what a run costs does not depend on what they say.</summary>
internal static class RandomGguf
{
    private const int Width = 2304,
        Layers = 26,
        Mlp = 9216,
        Vocabulary = 256_000,
        QueryHeads = 8,
        KeyHeads = 4,
        HeadSize = 256,
        Alignment = 32;

    // Value types and tensor types of the format.
    private const uint U32 = 4,
        I32 = 5,
        F32 = 6,
        Text = 8,
        Array = 9;

    private static readonly Dictionary<DType, uint> Types = new()
    {
        [DType.F32] = 0,
        [DType.Q4_0] = 2,
        [DType.Q8_0] = 8,
        [DType.BF16] = 30,
    };

    /// <summary>Writes the file, or finds the one written before.</summary>
    public static string Make(DType type, string folder)
    {
        var path = Path.Combine(folder, $"gemma-2-2b-{type}.gguf");
        if (File.Exists(path))
            return path;
        Directory.CreateDirectory(folder);
        var partial = $"{path}.{Guid.NewGuid():N}.partial";
        try
        {
            using (var file = new BinaryWriter(File.Create(partial, 1 << 20)))
                Write(file, type);
            File.Move(partial, path);
        }
        finally
        {
            File.Delete(partial);
        }
        return path;
    }

    private static void Write(BinaryWriter file, DType type)
    {
        var tensors = Tensors(type).ToArray();
        Action<BinaryWriter>[] keys = [.. Keys()];
        file.Write("GGUF"u8);
        file.Write(3u);
        file.Write((ulong)tensors.Length);
        file.Write((ulong)keys.Length);
        foreach (var key in keys)
            key(file);
        ulong offset = 0;
        foreach (var tensor in tensors)
        {
            Name(file, tensor.Name);
            file.Write((uint)tensor.Shape.Length);
            foreach (var size in tensor.Shape)
                file.Write((ulong)size);
            file.Write(Types[tensor.Type]);
            file.Write(offset);
            offset += (ulong)Padded(tensor.Bytes);
        }
        Pad(file);
        var pattern = Pattern(type);
        foreach (var tensor in tensors)
        {
            if (tensor.Type == DType.F32)
                for (var i = 0; i < tensor.Shape[0]; i++)
                    file.Write(1f);
            else
                for (var left = tensor.Bytes; left > 0; left -= pattern.Length)
                    file.Write(pattern, 0, (int)Math.Min(left, pattern.Length));
            Pad(file);
        }
    }

    private static IEnumerable<RandomTensor> Tensors(DType type)
    {
        yield return new("token_embd.weight", type, Width, Vocabulary);
        for (var layer = 0; layer < Layers; layer++)
        {
            var name = $"blk.{layer}.";
            yield return new(name + "attn_q.weight", type, Width, QueryHeads * HeadSize);
            yield return new(name + "attn_k.weight", type, Width, KeyHeads * HeadSize);
            yield return new(name + "attn_v.weight", type, Width, KeyHeads * HeadSize);
            yield return new(name + "attn_output.weight", type, QueryHeads * HeadSize, Width);
            yield return new(name + "ffn_gate.weight", type, Width, Mlp);
            yield return new(name + "ffn_up.weight", type, Width, Mlp);
            yield return new(name + "ffn_down.weight", type, Mlp, Width);
            foreach (var gain in (string[])["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"])
                yield return new($"{name}{gain}.weight", DType.F32, Width);
        }
        yield return new("output_norm.weight", DType.F32, Width);
    }

    private static IEnumerable<Action<BinaryWriter>> Keys()
    {
        yield return Key("general.architecture", "gemma2");
        yield return Key("general.name", "random");
        yield return Key("gemma2.context_length", 8192);
        yield return Key("gemma2.embedding_length", Width);
        yield return Key("gemma2.block_count", Layers);
        yield return Key("gemma2.feed_forward_length", Mlp);
        yield return Key("gemma2.attention.head_count", QueryHeads);
        yield return Key("gemma2.attention.head_count_kv", KeyHeads);
        yield return Key("gemma2.attention.layer_norm_rms_epsilon", 1e-6f);
        yield return Key("gemma2.attention.key_length", HeadSize);
        yield return Key("gemma2.attention.value_length", HeadSize);
        yield return Key("gemma2.attn_logit_softcapping", 50f);
        yield return Key("gemma2.final_logit_softcapping", 30f);
        yield return Key("gemma2.attention.sliding_window", 4096);
        yield return Key("tokenizer.ggml.model", "llama");
        yield return Key("tokenizer.ggml.padding_token_id", 0);
        yield return Key("tokenizer.ggml.eos_token_id", 1);
        yield return Key("tokenizer.ggml.bos_token_id", 2);
        yield return Key("tokenizer.ggml.unknown_token_id", 3);
        string[] special = ["<pad>", "<eos>", "<bos>", "<unk>"];
        yield return Many("tokenizer.ggml.tokens", Text, (file, i) => Name(file, Token(i)));
        yield return Many("tokenizer.ggml.scores", F32, (file, i) => file.Write(-(float)i));
        // Control, unknown, byte, and normal tokens.
        yield return Many(
            "tokenizer.ggml.token_type",
            I32,
            (file, i) =>
                file.Write(
                    i < 3 ? 3
                    : i == 3 ? 2
                    : i < 260 ? 6
                    : 1
                )
        );

        string Token(int i) =>
            i < 4 ? special[i]
            : i < 260 ? $"<0x{i - 4:X2}>"
            : $"t{i}";
    }

    private static Action<BinaryWriter> Key(string name, string value) => Key(name, Text, file => Name(file, value));

    private static Action<BinaryWriter> Key(string name, int value) => Key(name, U32, file => file.Write((uint)value));

    private static Action<BinaryWriter> Key(string name, float value) => Key(name, F32, file => file.Write(value));

    private static Action<BinaryWriter> Many(string name, uint type, Action<BinaryWriter, int> write) =>
        Key(
            name,
            Array,
            file =>
            {
                file.Write(type);
                file.Write((ulong)Vocabulary);
                for (var i = 0; i < Vocabulary; i++)
                    write(file, i);
            }
        );

    private static Action<BinaryWriter> Key(string name, uint type, Action<BinaryWriter> write) =>
        file =>
        {
            Name(file, name);
            file.Write(type);
            write(file);
        };

    private static void Name(BinaryWriter file, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        file.Write((ulong)bytes.Length);
        file.Write(bytes);
    }

    /// <summary>Random blocks, or numbers, of deviation about 0.02; repeated for all tensors.</summary>
    private static byte[] Pattern(DType type)
    {
        var random = new Random(7);
        var bytes = new byte[4096 * type.BlockBytes() * (type == DType.BF16 ? 64 : 1)];
        random.NextBytes(bytes);
        for (var at = 0; at < bytes.Length; at += (int)type.BlockBytes())
            if (type == DType.BF16)
                BitConverter.TryWriteBytes(
                    bytes.AsSpan(at),
                    (ushort)(BitConverter.SingleToUInt32Bits((float)(0.07 * random.NextDouble() - 0.035)) >> 16)
                );
            else
                BitConverter.TryWriteBytes(bytes.AsSpan(at), (Half)(0.02 / (type == DType.Q4_0 ? 4.6 : 74)));
        return bytes;
    }

    private static long Padded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void Pad(BinaryWriter file) => file.Write(new byte[Padded(file.BaseStream.Position) - file.BaseStream.Position]);

    /// <param name="Name">Its name.</param>
    /// <param name="Type">Its type.</param>
    /// <param name="Shape">Its sizes, that of a stored row first.</param>
    private sealed record RandomTensor(string Name, DType Type, params int[] Shape)
    {
        public long Bytes => Type.ByteLength(Shape.Aggregate(1L, (product, size) => product * size));
    }
}
