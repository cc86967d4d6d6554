using System.Security.Cryptography;
using GemmaScope.Server.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The style sheets and scripts of the pages. They lie in the assembly; their addresses change with their content, so that browsers keep them for good.</summary>
internal static class PageAssets
{
    private static readonly Dictionary<string, (byte[] Bytes, string Type, string Address)> Files = Load();

    /// <summary>The address of a file.</summary>
    public static string Address(string name) => Files[name].Address;

    /// <summary>A file by its name, or null.</summary>
    public static (byte[] Bytes, string Type)? Find(string name) => Files.TryGetValue(name, out var file) ? (file.Bytes, file.Type) : null;

    private static Dictionary<string, (byte[], string, string)> Load()
    {
        var files = new Dictionary<string, (byte[], string, string)>();
        foreach (var name in (string[])["page.css", "microscope.css", "microscope.js", "reading.js"])
        {
            using var stream = typeof(HtmlText).Assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var version = Convert.ToHexStringLower(SHA256.HashData(bytes))[..12];
            files[name] = (bytes, name.EndsWith(".js", StringComparison.Ordinal) ? "text/javascript; charset=utf-8" : "text/css; charset=utf-8", $"/assets/{name}?v={version}");
        }
        return files;
    }
}
