using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The lenses of a server, closed together.</summary>
internal sealed class OpenedLenses : IDisposable
{
    private readonly List<Lens> _lenses = [];

    private OpenedLenses() { }

    public IReadOnlyList<Lens> All => _lenses;

    /// <summary>Those that are named; where none is, the one that lies in the model's folder.</summary>
    public static OpenedLenses Of(IReadOnlyList<string> files, GemmaModel model)
    {
        var opened = new OpenedLenses();
        try
        {
            foreach (
                var file in files.Count > 0 ? files
                : LensChoice.InFolder(model.Folder) is { } own ? [own]
                : []
            )
                if (LensChoice.Open(file, model) is var lens and not LogitLens)
                    opened._lenses.Add(lens);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var lens in _lenses)
            lens.Dispose();
    }
}
