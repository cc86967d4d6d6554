using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using GemmaScope.Circuits;

namespace GemmaScope.Server.Circuits;

/// <summary>Graphs that are too large to be sent as a whole, in the form that is mapped: files of that form, and copies that are made of
/// others when they are first opened and lie in the user's cache.</summary>
/// <param name="cache">The folder of copies; null for the system's folder for temporary files.</param>
/// <param name="largestWhole">Bytes of a file that is sent as a whole, at most.</param>
internal sealed class LargeGraphs(string? cache, long largestWhole = 8 << 20)
{
    /// <summary>Of packed files one byte stands for some ten.</summary>
    private const int Packed = 10;

    // Never disposed here, for a request may be reading; what nobody refers to any more is unmapped in time.
    private readonly ConcurrentDictionary<string, Lazy<(DateTime Written, GraphFile Graph)>> _open = new();

    /// <summary>The graph of a file, or null where it is small.</summary>
    /// <param name="file">The file.</param>
    /// <param name="always">Whether it is mapped though it is small.</param>
    /// <exception cref="GemmaScopeException">It cannot be read, or no copy of it can be made.</exception>
    public GraphFile? Find(FileInfo file, bool always = false)
    {
        var mapped = file.Name.EndsWith(GraphFile.Ending, StringComparison.Ordinal);
        if (!mapped && !always && file.Length * (file.Name.EndsWith(".json", StringComparison.Ordinal) ? 1 : Packed) <= largestWhole)
            return null;
        while (true)
        {
            var known = _open.GetOrAdd(
                file.FullName,
                _ => new(() => (file.LastWriteTimeUtc, mapped ? GraphFile.Open(file.FullName) : Copy(file)))
            );
            try
            {
                if (known.Value.Written == file.LastWriteTimeUtc)
                    return known.Value.Graph;
            }
            catch
            {
                // Whatever was wrong may be mended when it is asked for again.
                _open.TryRemove(KeyValuePair.Create(file.FullName, known));
                throw;
            }
            _open.TryRemove(KeyValuePair.Create(file.FullName, known));
        }
    }

    private GraphFile Copy(FileInfo file)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(file.FullName)))[..32];
        var copy = new FileInfo(Path.Combine(cache ?? Path.Combine(Path.GetTempPath(), "gemmascope-graphs"), name + GraphFile.Ending));
        if (copy.Exists && copy.LastWriteTimeUtc >= file.LastWriteTimeUtc)
        {
            try
            {
                return GraphFile.Open(copy.FullName);
            }
            catch (FileFormatException)
            {
                // Of another version, or damaged: it is made anew.
            }
        }
        GraphFile.Write(copy.FullName, GraphDocument.Read(file.FullName), overwrite: true);
        return GraphFile.Open(copy.FullName);
    }
}
