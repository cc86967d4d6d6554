using System.IO.Compression;
using System.Security.Cryptography;

namespace GemmaScope.Files;

/// <summary>
/// The demo models and dictionaries that come with the project: in a checkout in its folder <c>models</c>, in a program that references
/// the package GemmaScope.Demo, and in the installed command, next to the assembly.
/// </summary>
public static class DemoFiles
{
    /// <summary>The name by which readers of texts know the texts that come along, and by which they know others of the same kinds, to
    /// measure on.</summary>
    public const string Texts = "demo",
        HeldOutTexts = "demo-held-out";

    private const string TextFolder = "demo-texts",
        Packed = ".br";

    /// <summary>The environment variable that names another folder to look in first.</summary>
    public const string Variable = "GEMMASCOPE_MODELS";

    private static readonly string[] Names = ["demo-pt", "demo-it", "demo-sae", "demo-scope"];

    /// <summary>The folder of that name, or null: looked for in the folder that <see cref="Variable"/> names, then in <c>models</c> next to
    /// the assembly and in each folder above it and above the current one.</summary>
    /// <param name="name">Its name, e.g. <c>demo-pt</c>.</param>
    public static string? Find(string name)
    {
        // A name from a file may not lead elsewhere.
        if (name.Length == 0 || name is "." or ".." || name.IndexOfAny(['/', '\\', '\0']) >= 0)
            return null;
        return Places().Select(place => Path.Combine(place, name)).FirstOrDefault(Directory.Exists);
    }

    /// <summary>What a name stands for that begins with that of a demo folder: the folder, or a folder or file inside it; null where it is
    /// none.</summary>
    /// <param name="name">Such as <c>demo-pt</c> or <c>demo-sae/resid_post/layer_3/width_2k/average_l0_35</c>.</param>
    public static string? FindPath(string name)
    {
        if (!name.StartsWith("demo-", StringComparison.Ordinal))
            return null;
        var parts = name.TrimEnd('/').Split('/', 2);
        if (Find(parts[0]) is not { } folder || parts.Length == 1)
            return Find(parts[0]);
        var inside = Path.Combine(folder, parts[1]);
        return !parts[1].Split('/', '\\').Contains("..") && Path.Exists(inside) ? inside : null;
    }

    /// <summary>The same for a name that must be there if it is one of the demo's: somebody has forgotten where they come from.</summary>
    /// <exception cref="FileFormatException">The demo files are not here, or hold no such thing.</exception>
    internal static string? RequirePath(string name)
    {
        if (FindPath(name) is { } path)
            return path;
        var folder = name.Split('/')[0];
        if (!Names.Contains(folder))
            return null;
        throw new FileFormatException("holds no such file or folder", Path.Combine(Require(folder), name[folder.Length..].TrimStart('/')));
    }

    /// <summary>The file of texts of such a name (<see cref="Texts"/>, <see cref="HeldOutTexts"/>), or null where it is another name, or they
    /// are not here.</summary>
    public static string? FindTexts(string name) =>
        (
            name switch
            {
                Texts => "texts.jsonl.gz",
                HeldOutTexts => "held-out.jsonl.gz",
                _ => null,
            }
        )
            is { } file
        && Find(TextFolder) is { } folder
        && Path.Combine(folder, file) is var path
        && File.Exists(path)
            ? path
            : null;

    /// <summary>The same, which must be there.</summary>
    /// <exception cref="FileFormatException">There is no such folder.</exception>
    public static string Require(string name) =>
        Find(name)
        ?? throw new FileFormatException(
            $"the demo files '{name}' are not here; run inside a checkout of the project, add the package GemmaScope.Demo, or let {Variable} "
                + "name the folder that holds them"
        );

    /// <summary>The folder of a dictionary by its path within whichever of the demo folders holds it.</summary>
    /// <exception cref="FileFormatException">None of them holds it.</exception>
    public static string RequireBelow(string path)
    {
        var inside = !Path.IsPathRooted(path) && !path.Split('/', '\\').Contains("..");
        return (
                inside
                    ? Places()
                        .Where(Directory.Exists)
                        .SelectMany(place => Directory.EnumerateDirectories(place).Order(StringComparer.Ordinal))
                        .Select(folder => Path.Combine(folder, path))
                        .FirstOrDefault(Directory.Exists)
                    : null
            )
            ?? throw new FileFormatException(
                $"no demo dictionary '{path}' is here; run inside a checkout of the project or let {Variable} name the folder that holds "
                    + "the demo files"
            );
    }

    /// <summary>A copy of a demo file that may be written to, in the user's cache, else among the temporary files; made when it is first asked
    /// for, and anew when the demo file is another one. Null where neither can be written.</summary>
    /// <param name="file">The file that comes with the project; one whose name ends with <c>.br</c> is packed (Brotli), and its copy is
    /// not.</param>
    public static string? WritableCopy(string file) =>
        WritableCopy(file, UserFolders.FindCache(Environment.GetEnvironmentVariable), Path.Combine(Path.GetTempPath(), "gemmascope"));

    /// <summary>The same with other places, of which the first that can be written is taken.</summary>
    internal static string? WritableCopy(string file, params ReadOnlySpan<string?> folders)
    {
        foreach (var folder in folders)
        {
            try
            {
                if (folder is not null)
                    return Copied(file, folder);
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                // The next place may take it.
            }
        }
        return null;
    }

    private static string Copied(string file, string folder)
    {
        string hash;
        using (var stream = File.OpenRead(file))
            hash = Convert.ToHexStringLower(SHA256.HashData(stream))[..12];
        var packed = Path.GetExtension(file) == Packed;
        var copy = Path.Combine(folder, $"demo-{hash}{Path.GetExtension(packed ? Path.GetFileNameWithoutExtension(file) : file)}");
        if (File.Exists(copy))
        {
            // One that may not be written to is of no use.
            using (File.Open(copy, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete))
                return copy;
        }
        Directory.CreateDirectory(folder);
        // Under another name until it is whole; whoever comes second finds the same bytes.
        var whole = $"{copy}.{Guid.NewGuid():N}";
        try
        {
            if (packed)
                Unpack(file, whole);
            else
                File.Copy(file, whole);
            File.SetAttributes(whole, FileAttributes.Normal);
            File.Move(whole, copy, overwrite: true);
        }
        catch
        {
            File.Delete(whole);
            throw;
        }
        return copy;
    }

    private static void Unpack(string file, string whole)
    {
        using var source = new BrotliStream(File.OpenRead(file), CompressionMode.Decompress);
        using var target = File.Create(whole);
        source.CopyTo(target);
    }

    private static IEnumerable<string> Places()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } own)
            yield return own;
        foreach (var start in (string[])[AppContext.BaseDirectory, Directory.GetCurrentDirectory()])
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
                yield return Path.Combine(folder.FullName, "models");
    }
}
