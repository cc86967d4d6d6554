using System.Buffers.Binary;
using System.Text.Json;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// Writes safetensors files. The same tensors and metadata always give the same bytes: tensors are ordered by falling
/// element size, then by name, so that each is aligned to its element; the header is padded with spaces to 8 bytes. Matrices of block
/// types lie as bytes, and the metadata says what they are.
/// </summary>
public static class SafetensorsWriter
{
    /// <summary>Writes tensors that lie in memory or in mapped files.</summary>
    /// <inheritdoc cref="Write(string, IEnumerable{TensorSource}, IReadOnlyDictionary{string, string}?, bool, CancellationToken)"/>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        bool overwrite = false,
        CancellationToken cancellationToken = default
    ) => Write(path, tensors.Select(t => new TensorSource(t.Key, t.Value)), metadata, overwrite, cancellationToken);

    /// <summary>Writes tensors one after the other, each asked for its bytes in turn.</summary>
    /// <param name="path">The file to make.</param>
    /// <param name="tensors">The tensors, in any order.</param>
    /// <param name="metadata">Strings for <c>__metadata__</c>.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <exception cref="GemmaScopeException">A name is used twice, the file exists, or cannot be written.</exception>
    public static void Write(
        string path,
        IEnumerable<TensorSource> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        bool overwrite = false,
        CancellationToken cancellationToken = default
    )
    {
        TensorSource[] ordered =
        [
            .. tensors.OrderByDescending(t => t.Type.IsBlockType() ? 1 : t.Type.Size()).ThenBy(t => t.Name, StringComparer.Ordinal),
        ];
        TensorSource.RequireDistinctNames(ordered);
        if (ordered.Any(t => t.Name == SafetensorsHeader.MetadataName))
            throw new ArgumentProblemException("no tensor may have this name", SafetensorsHeader.MetadataName);
        var header = MakeHeader(ordered, metadata);
        AtomicFile.Write(
            path,
            stream =>
            {
                stream.Write(header);
                var body = new CountingStream(stream, cancellationToken);
                foreach (var tensor in ordered)
                    tensor.Write(body);
            },
            overwrite
        );
    }

    /// <summary>The bytes in front of the data of tensors that follow each other in this order.</summary>
    internal static byte[] MakeHeader(TensorSource[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        metadata = SafetensorsBlocks.Describe(tensors, metadata);
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[SafetensorsHeader.Prefix]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
                WriteMetadata(json, metadata);
            long offset = 0;
            foreach (var tensor in tensors)
            {
                WriteEntry(json, tensor, offset);
                offset += tensor.ByteLength;
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        var header = buffer.ToArray();
        var length = header.Length - SafetensorsHeader.Prefix;
        if (length > SafetensorsHeader.LongestJson)
            throw new ArgumentProblemException(
                $"names and metadata take {length} bytes, the format allows {SafetensorsHeader.LongestJson}"
            );
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject(SafetensorsHeader.MetadataName);
        foreach (var (key, value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, TensorSource tensor, long offset)
    {
        json.WriteStartObject(tensor.Name);
        var (type, shape) = SafetensorsBlocks.Stored(tensor.Type, tensor.Shape);
        json.WriteString("dtype", SafetensorsTypes.NameOf(type));
        json.WriteStartArray("shape");
        foreach (var n in shape)
            json.WriteNumberValue(n);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + tensor.ByteLength);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
