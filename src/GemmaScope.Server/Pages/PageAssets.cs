using System.IO.Compression;
using System.Security.Cryptography;
using GemmaScope.Workbench.Html;
using Microsoft.Extensions.Primitives;

namespace GemmaScope.Server.Pages;

/// <summary>The style sheets and scripts of the pages. They lie in the assembly; their addresses change with their content, so that
/// browsers keep them for good.</summary>
internal static class PageAssets
{
    private static readonly Dictionary<string, PageAsset> Files = (
        (string[])
            [
                HtmlText.StyleName,
                "frame.css",
                "microscope.css",
                "feature.css",
                "hues.css",
                "plots.css",
                "microscope.js",
                "feature.js",
                "cards.js",
                "circuits.css",
                "circuits.js",
                "plots.js",
                "reading.js",
                "d3.min.js",
                "plot.min.js",
                "LICENCES.txt",
            ]
    ).ToDictionary(name => name, PageAsset.Read);

    /// <summary>The address of a file.</summary>
    public static string Address(string name) => Files[name].Address;

    /// <summary>A file by its name, or null.</summary>
    public static PageAsset? Find(string name) => Files.GetValueOrDefault(name);
}

/// <summary>A file of the pages, compressed once, when the first browser asks for it.</summary>
internal sealed class PageAsset
{
    private const int BrotliQuality = 9;

    private readonly byte[] _bytes;
    private readonly Lazy<byte[]> _brotli,
        _gzip;

    private PageAsset(string name, byte[] bytes)
    {
        _bytes = bytes;
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

    /// <summary>A file of the assembly.</summary>
    public static PageAsset Read(string name)
    {
        // The style sheet is the reports' too, and lies with them.
        var owner = name == HtmlText.StyleName ? typeof(HtmlText) : typeof(PageAssets);
        using var stream = owner.Assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new(name, bytes);
    }

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
