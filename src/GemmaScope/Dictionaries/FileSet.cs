using GemmaScope.Files;

namespace GemmaScope.Dictionaries;

/// <summary>The files of all layers of a dictionary, closed together.</summary>
internal sealed class FileSet : List<DictionaryTensors>, IMappedFiles, IDisposable
{
    /// <summary>Opens a file and keeps it.</summary>
    public DictionaryTensors Opened(string file, bool check)
    {
        var tensors = DictionaryTensors.Open(file, check);
        Add(tensors);
        return tensors;
    }

    public void RequireWhole() => ForEach(file => file.RequireWhole());

    public void Dispose() => ForEach(file => file.Dispose());
}
