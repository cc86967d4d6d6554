using System.Buffers.Binary;
using System.Text;
using GemmaScope.Dictionaries;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

public sealed class LargeDictionaryTests : IDisposable
{
    private const long Model = 2304,
        Width = 1 << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_million_features_of_gemma_2_open_without_reading_their_weights()
    {
        var file = WriteSparse();
        var before = GC.GetTotalAllocatedBytes();
        using var dictionary = SparseDictionary.Load(file);
        Assert.Equal((int)Width, dictionary.Width);
        var vector = new float[Model];
        dictionary.Decoder((int)Width - 1, vector);
        // Biases and thresholds are some MB; the matrices are 19 GB.
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 100_000_000);
    }

    /// <summary>A safetensors file of zeros that take no space on the disk.</summary>
    private string WriteSparse()
    {
        (string Name, long[] Shape)[] tensors =
        [
            ("w_enc", [Model, Width]),
            ("w_dec", [Width, Model]),
            ("b_enc", [Width]),
            ("threshold", [Width]),
            ("b_dec", [Model]),
        ];
        var (entries, offset) = (new List<string>(), 0L);
        foreach (var (name, shape) in tensors)
        {
            var bytes = shape.Aggregate(4L, (product, n) => product * n);
            entries.Add(
                $$"""  "{{name}}": {"dtype": "F32", "shape": [{{string.Join(", ", shape)}}], "data_offsets": [{{offset}}, {{offset + bytes}}]}"""
            );
            offset += bytes;
        }
        var text = $"{{{string.Join(',', entries)}}}";
        var json = Encoding.UTF8.GetBytes(text.PadRight((text.Length + 7) / 8 * 8));
        var file = Path.Combine(Directory.CreateDirectory(_folder.File("layer_12_width_1m_l0_big")).FullName, "params.safetensors");
        using var stream = File.Create(file);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        stream.Write(length);
        stream.Write(json);
        stream.SetLength(8 + json.Length + offset);
        return file;
    }
}
