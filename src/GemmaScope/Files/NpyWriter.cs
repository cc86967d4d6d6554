using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>Writes npy files, row-major and little-endian, that NumPy reads.</summary>
public static class NpyWriter
{
    /// <summary>Writes one array.</summary>
    /// <param name="path">The file to make.</param>
    /// <param name="tensor">The array; NumPy has no bfloat16 and no 8-bit floats.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <exception cref="GemmaScopeException">NumPy has no such type, the file exists, or cannot be written.</exception>
    public static void Write(string path, Tensor tensor, bool overwrite = false, CancellationToken cancellationToken = default)
    {
        var source = new TensorSource(Path.GetFileNameWithoutExtension(path), tensor);
        var header = NpyHeader.Make(source);
        AtomicFile.Write(
            path,
            stream =>
            {
                stream.Write(header);
                source.Write(new CountingStream(stream, cancellationToken));
            },
            overwrite
        );
    }
}
