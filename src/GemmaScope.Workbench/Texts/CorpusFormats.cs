using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using GemmaScope.Files;
using GemmaScope.Text;
using ZstdSharp;

namespace GemmaScope.Workbench;

/// <summary>
/// The formats in which corpora lie on hubs, beside those of the library: Parquet (<c>.parquet</c>), and anything packed with Zstandard
/// (<c>.zst</c>). They are known as soon as anything of the workbench is used; <see cref="Register"/> makes sure of it.
/// </summary>
public static class CorpusFormats
{
    /// <summary>Makes them known; a second time changes nothing.</summary>
    [ModuleInitializer]
    [SuppressMessage(
        "Usage",
        "CA2255:The 'ModuleInitializer' attribute should not be used in libraries",
        Justification = "Every job reads texts, so every program that has the workbench reads all formats, whatever it calls first."
    )]
    public static void Register()
    {
        TextFormats.Register(new TextFormat(".parquet", HasColumns: true, ParquetTexts.Read));
        Packings.Register(new Packing("Zstandard", ".zst", Packings.ZstandardSignature, packed => new DecompressionStream(packed)));
    }
}
