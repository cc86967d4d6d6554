using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// Writes npz archives that NumPy reads: stored members in the order given, zip64 where sizes ask for it, data begun
/// at multiples of 64 bytes so that a mapped reader gets aligned arrays.
/// </summary>
public static class NpzWriter
{
    /// <summary>Writes arrays that lie in memory or in mapped files.</summary>
    /// <inheritdoc cref="Write(string, IEnumerable{TensorSource}, bool, CancellationToken)"/>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, Tensor>> arrays,
        bool overwrite = false,
        CancellationToken cancellationToken = default
    ) => Write(path, arrays.Select(a => new TensorSource(a.Key, a.Value)), overwrite, cancellationToken);

    /// <summary>Writes arrays one after the other, each asked for its bytes in turn.</summary>
    /// <param name="path">The file to make.</param>
    /// <param name="arrays">The arrays, named without <c>.npy</c>; NumPy has no bfloat16 and no 8-bit floats.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <exception cref="GemmaScopeException">A name is used twice, NumPy has no such type, the file exists, or cannot be
    /// written.</exception>
    public static void Write(
        string path,
        IEnumerable<TensorSource> arrays,
        bool overwrite = false,
        CancellationToken cancellationToken = default
    ) => Write(path, arrays, ZipDirectory.InZip64, overwrite, cancellationToken);

    /// <summary>The same with another size from which numbers go to zip64 records, so that tests need no 4 GB.</summary>
    internal static void Write(
        string path,
        IEnumerable<TensorSource> arrays,
        long zip64From,
        bool overwrite,
        CancellationToken cancellationToken
    )
    {
        TensorSource[] sources = [.. arrays];
        TensorSource.RequireDistinctNames(sources);
        byte[][] headers = [.. sources.Select(NpyHeader.Make)];
        AtomicFile.Write(
            path,
            stream =>
            {
                using var zip = new ZipWriter(stream, zip64From, cancellationToken);
                for (var i = 0; i < sources.Length; i++)
                    zip.Add(sources[i].Name + ".npy", headers[i], sources[i]);
                zip.Finish();
            },
            overwrite
        );
    }
}
