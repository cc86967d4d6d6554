using GemmaScope.Lenses;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Which lens is meant: <c>logit</c>, or a file of a Jacobian or tuned lens, with or without <c>jacobian:</c> or <c>tuned:</c> in
/// front, which then has to be so.</summary>
public static class LensChoice
{
    /// <summary>The name of a lens in a model's own folder, which is used where none is named.</summary>
    public const string FileInFolder = "lens.safetensors";

    private const string PublishedEnding = "_jacobian_lens.pt";

    /// <summary>Opens a lens and finds out whether it is of a model.</summary>
    /// <param name="name">The name; null for what lies in the model's folder, else the logit lens.</param>
    /// <param name="model">The model.</param>
    /// <exception cref="GemmaScopeException">The file cannot be read, or holds another kind of lens or one of another model.</exception>
    public static Lens Open(string? name, GemmaModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        name ??= InFolder(model.Folder) ?? "logit";
        if (name == "logit")
            return new LogitLens();
        var (kind, file) = name.Split(':', 2) is ["jacobian" or "tuned" or "logit", { Length: > 0 } rest]
            ? (name.Split(':')[0], rest)
            : (null, name);
        if (!File.Exists(file))
            throw new ArgumentProblemException(
                Directory.Exists(file) ? "is a folder; name a file" : "there is no such file, and no lens of that name but logit",
                file
            );
        var lens = LensFile.Read(file);
        try
        {
            if (kind is not null && lens.Kind != kind)
                throw new ArgumentProblemException($"is a {lens.Kind} lens, not a {kind} lens", file);
            lens.Check(model.Config);
            return lens;
        }
        catch
        {
            lens.Dispose();
            throw;
        }
    }

    /// <summary>The file of a lens in a model's folder, or null.</summary>
    public static string? InFolder(string folder)
    {
        if (!Directory.Exists(folder))
            return null;
        var own = Path.Combine(folder, FileInFolder);
        return File.Exists(own)
            ? own
            : Directory.EnumerateFiles(folder, $"*{PublishedEnding}").Order(StringComparer.Ordinal).FirstOrDefault();
    }

    /// <summary>A lens in words: what it is and where it comes from.</summary>
    public static string Describe(Lens lens)
    {
        ArgumentNullException.ThrowIfNull(lens);
        var from = lens.Origin.Prompts is { } prompts ? $" of {prompts} prompts" : "";
        return $"{lens.Kind} lens{from}";
    }

    /// <summary>Notes on how a lens and a model go together.</summary>
    internal static IEnumerable<string> Notes(Lens lens, GemmaModel model, string modelName)
    {
        if (lens.Origin.Model is { } of && !SameModel(of, modelName))
            yield return $"the lens was made on {of}, and is read on {modelName}: a lens belongs to one checkpoint";
        var lacking = Enumerable.Range(0, model.Config.Layers - 1).Except(lens.LayersOf(model.Config)).ToArray();
        if (lacking.Length > 0)
            yield return $"the lens has nothing for layer {string.Join(", ", lacking)}, which is left out";
    }

    private static bool SameModel(string a, string b) => string.Equals(Last(a), Last(b), StringComparison.OrdinalIgnoreCase);

    private static string Last(string name) => name.TrimEnd('/', '\\').Split('/', '\\')[^1].Split('@')[0];
}
