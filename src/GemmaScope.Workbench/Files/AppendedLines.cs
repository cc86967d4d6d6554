using System.Text;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>A file of JSON lines that a long job appends to, each line flushed: a killed job loses no more than the line it was
/// writing.</summary>
internal static class AppendedLines
{
    /// <summary>The objects that are there; what a killed job left of its last line is taken away. None where there is no file.</summary>
    /// <exception cref="GemmaScopeException">The file is damaged, or cannot be read.</exception>
    public static IEnumerable<JsonSection> Read(string file)
    {
        if (!File.Exists(file) || new FileInfo(file).Length == 0)
            return [];
        CutHalfALine(file);
        return JsonLines.Read(file);
    }

    /// <summary>Opens the file to append to it.</summary>
    /// <exception cref="GemmaScopeException">It cannot be written.</exception>
    public static FileStream Open(string file)
    {
        try
        {
            return new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"the file cannot be written: {problem.Message}", file, problem);
        }
    }

    /// <summary>Appends a line.</summary>
    public static void Append(Stream file, string line)
    {
        file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        file.Flush();
    }

    private static void CutHalfALine(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        var end = stream.Length;
        for (; end > 0; end--)
        {
            stream.Position = end - 1;
            if (stream.ReadByte() == '\n')
                break;
        }
        stream.SetLength(end);
    }
}
