using System.Runtime.InteropServices;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>The shard that says which token each row of a bucket is: tensors token I32, sequence I64 and position I32, [rows]
/// each.</summary>
internal static unsafe class TokenShard
{
    private const string Token = "token",
        Sequence = "sequence",
        Position = "position";

    public static void Write(string path, StoredToken[] rows, CancellationToken cancellationToken) =>
        SafetensorsWriter.Write(
            path,
            [
                Column(Token, DType.I32, rows, row => row.Token),
                Column(Sequence, DType.I64, rows, row => row.Sequence),
                Column(Position, DType.I32, rows, row => row.Position),
            ],
            overwrite: true,
            cancellationToken: cancellationToken
        );

    /// <exception cref="FileFormatException">The file is missing, malformed or of another length.</exception>
    public static StoredToken[] Read(string path, int rows)
    {
        using var file = SafetensorsFile.Open(path);
        var token = (int*)Column(Token, DType.I32);
        var sequence = (long*)Column(Sequence, DType.I64);
        var position = (int*)Column(Position, DType.I32);
        var result = new StoredToken[rows];
        for (var i = 0; i < rows; i++)
            result[i] = new(token[i], sequence[i], position[i]);
        return result;

        byte* Column(string name, DType type) =>
            file[name] is { } tensor && tensor.Type == type && tensor.Shape.SequenceEqual([rows])
                ? tensor.Pointer
                : throw new FileFormatException($"the tensor '{name}' is not {type}[{rows}], as the manifest says", path);
    }

    private static TensorSource Column<T>(string name, DType type, StoredToken[] rows, Func<StoredToken, T> value)
        where T : unmanaged =>
        new(name, type, [rows.Length], stream => stream.Write(MemoryMarshal.AsBytes<T>(Array.ConvertAll(rows, row => value(row)))));
}
