using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using GemmaScope.Workbench.Html;
using Microsoft.Extensions.Primitives;

namespace GemmaScope.Server.Pages;

/// <summary>The style sheets and scripts of the pages. They lie in the assembly; their addresses change with their content, so that
/// browsers keep them for good.</summary>
internal static class PageAssets
{
    // A file that another one imports is read with it, for its address stands there.
    private static readonly ConcurrentDictionary<string, PageAsset?> Files = new();

    private static readonly HashSet<string> Names = [HtmlText.StyleName, .. typeof(PageAssets).Assembly.GetManifestResourceNames()];

    /// <summary>The address of a file.</summary>
    public static string Address(string name) => Find(name)!.Address;

    /// <summary>A file by its name, or null.</summary>
    public static PageAsset? Find(string name) => Names.Contains(name) ? Files.GetOrAdd(name, PageAsset.Read) : null;
}

/// <summary>A file of the pages, compressed once, when the first browser asks for it.</summary>
internal sealed partial class PageAsset
{
    private const int BrotliQuality = 9;

    private readonly byte[] _bytes;
    private readonly Lazy<byte[]> _brotli,
        _gzip;

    private PageAsset(string name, byte[] bytes, IReadOnlyList<PageAsset> imports)
    {
        _bytes = bytes;
        Imports = [.. imports.SelectMany(one => one.Imports.Append(one.Address)).Distinct()];
        Type = Path.GetExtension(name) switch
        {
            ".js" => "text/javascript; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            _ => "text/plain; charset=utf-8",
        };
        Address = $"/assets/{name}?v={Convert.ToHexStringLower(SHA256.HashData(bytes))[..12]}";
        // The highest quality takes a second for the largest file, and makes it a tenth smaller.
        _brotli = new(() => Compress(stream => new BrotliStream(stream, new BrotliCompressionOptions { Quality = BrotliQuality })));
        _gzip = new(() => Compress(stream => new GZipStream(stream, CompressionLevel.SmallestSize)));
    }

    /// <summary>Its media type.</summary>
    public string Type { get; }

    /// <summary>Where it is found.</summary>
    public string Address { get; }

    /// <summary>Where the scripts are found that it imports, and those that these import: a browser that knows them at once need not ask for
    /// one after the other.</summary>
    public IReadOnlyList<string> Imports { get; }

    /// <summary>A file of the assembly.</summary>
    public static PageAsset Read(string name)
    {
        // The style sheet is the reports' too, and lies with them.
        var owner = name == HtmlText.StyleName ? typeof(HtmlText) : typeof(PageAssets);
        using var stream = owner.Assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var imports = new List<PageAsset>();
        if (name.EndsWith(".js", StringComparison.Ordinal) && Import().IsMatch(Encoding.UTF8.GetString(bytes)))
            bytes = Encoding.UTF8.GetBytes(
                Import()
                    .Replace(
                        Encoding.UTF8.GetString(bytes),
                        line =>
                        {
                            imports.Add(
                                PageAssets.Find(line.Groups[2].Value) ?? throw new InvalidOperationException($"{name}: {line.Value}")
                            );
                            return $"{line.Groups[1].Value}'.{imports[^1].Address["/assets".Length..]}'";
                        }
                    )
            );
        return new(name, bytes, imports);
    }

    /// <summary>A script that imports another of ours; they form no circles.</summary>
    [GeneratedRegex(@"(?m)^(import (?:.* from )?)'\./([\w.-]+)'")]
    private static partial Regex Import();

    /// <summary>The file in the smallest coding that a browser takes.</summary>
    /// <param name="accepted">The header Accept-Encoding.</param>
    public (byte[] Bytes, string? Coding) For(StringValues accepted)
    {
        bool Takes(string coding) =>
            accepted.Any(header =>
                header is not null
                && header
                    .Split(',')
                    .Any(one =>
                        one.Split(';') is [var name, .. var quality]
                        && name.Trim() == coding
                        && !quality.Any(q => q.Trim() is "q=0" or "q=0.0")
                    )
            );
        return Takes("br") ? (_brotli.Value, "br")
            : Takes("gzip") ? (_gzip.Value, "gzip")
            : (_bytes, null);
    }

    private byte[] Compress(Func<Stream, Stream> coder)
    {
        using var bytes = new MemoryStream();
        using (var stream = coder(bytes))
            stream.Write(_bytes);
        return bytes.ToArray();
    }
}
