using System.Buffers.Binary;
using System.Text.Json;

namespace GemmaScope.Tests.Verification;

/// <summary>Changes golden tensors where they lie, so that tests see whether a verifier notices.</summary>
internal static class GoldenTensor
{
    /// <summary>What is done to a tensor's bytes, which are of a type that safetensors names.</summary>
    public delegate void Edit(Span<byte> data, string type);

    /// <summary>Edits one tensor of a safetensors file in place.</summary>
    public static void Change(string file, string tensor, Edit edit)
    {
        var bytes = File.ReadAllBytes(file);
        var header = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        using var json = JsonDocument.Parse(bytes.AsMemory(8, header));
        var entry = json.RootElement.GetProperty(tensor);
        var offsets = entry.GetProperty("data_offsets");
        edit(bytes.AsSpan(8 + header)[offsets[0].GetInt32()..offsets[1].GetInt32()], entry.GetProperty("dtype").GetString()!);
        File.WriteAllBytes(file, bytes);
    }
}
