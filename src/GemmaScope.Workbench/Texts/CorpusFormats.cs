using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using GemmaScope.Text;
using ZstdSharp;

namespace GemmaScope.Workbench;

/// <summary>
/// The formats in which corpora lie on hubs, beside those of the library: Parquet (<c>.parquet</c>), tables (<c>.csv</c>, <c>.tsv</c>),
/// and anything packed with Zstandard (<c>.zst</c>). They are known to <see cref="TextDocuments"/> as soon as anything of the workbench
/// is used; <see cref="Register"/> makes sure of it.
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
        TextFormats.Register(new TextFormat(".csv", HasColumns: true, (stream, origin) => TableTexts.Read(stream, origin, ',')));
        TextFormats.Register(new TextFormat(".tsv", HasColumns: true, (stream, origin) => TableTexts.Read(stream, origin, '\t')));
        TextFormats.Register(new TextPacking(".zst", packed => new DecompressionStream(packed)));
    }
}
