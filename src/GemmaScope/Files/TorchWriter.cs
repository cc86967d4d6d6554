using System.Buffers.Binary;
using System.Text;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>Writes one vector as <c>torch.save</c> does, for programs that read nothing else; <c>torch.load</c> takes it with weights_only
/// too.</summary>
internal static class TorchWriter
{
    /// <summary>Writes an f32 vector.</summary>
    /// <exception cref="GemmaScopeException">The file exists and may not be replaced, or cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<float> vector, bool overwrite = false)
    {
        using Tensor values = Tensor.From(vector, vector.Length),
            nothing = Tensor.Zeros(0);
        var folder = Path.GetFileNameWithoutExtension(path);
        var count = vector.Length;
        AtomicFile.Write(
            path,
            stream =>
            {
                using var zip = new ZipWriter(stream, ZipDirectory.InZip64, CancellationToken.None);
                zip.Add($"{folder}/data.pkl", Description(count), new TensorSource("", nothing));
                zip.Add($"{folder}/byteorder", "little"u8.ToArray(), new TensorSource("", nothing));
                zip.Add($"{folder}/data/0", [], new TensorSource("", values));
                zip.Add($"{folder}/version", "3\n"u8.ToArray(), new TensorSource("", nothing));
                zip.Finish();
            },
            overwrite
        );
    }

    /// <summary>torch._utils._rebuild_tensor_v2(storage 0, 0, (count,), (1,), False, OrderedDict()), protocol 2.</summary>
    private static byte[] Description(int count)
    {
        var size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, count);
        return
        [
            0x80,
            2,
            .. "ctorch._utils\n_rebuild_tensor_v2\n("u8,
            .. "("u8,
            .. Text("storage"),
            .. "ctorch\nFloatStorage\n"u8,
            .. Text("0"),
            .. Text("cpu"),
            (byte)'J',
            .. size,
            .. "tQ"u8,
            // Offset, sizes, strides, whether it needs a gradient, hooks.
            (byte)'K',
            0,
            (byte)'J',
            .. size,
            0x85,
            (byte)'K',
            1,
            0x85,
            0x89,
            .. "ccollections\nOrderedDict\n)RtR."u8,
        ];

        static byte[] Text(string text)
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
            return [(byte)'X', .. length, .. Encoding.ASCII.GetBytes(text)];
        }
    }
}
