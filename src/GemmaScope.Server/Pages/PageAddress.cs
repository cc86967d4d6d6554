using GemmaScope.Store;

namespace GemmaScope.Server.Pages;

/// <summary>Addresses of pages. Every view is a link.</summary>
internal static class PageAddress
{
    public static string Model(string model) => $"/{Uri.EscapeDataString(model)}";

    public static string Dictionary(string model, string dictionary) => $"{Model(model)}/{Uri.EscapeDataString(dictionary)}";

    public static string Dictionary(StoredDictionary dictionary) => Dictionary(dictionary.Model, dictionary.Name);

    public static string Feature(StoredDictionary dictionary, int feature) => $"{Dictionary(dictionary)}/{feature}";

    /// <summary>An address with a query of what is not null.</summary>
    public static string WithQuery(string path, params ReadOnlySpan<(string Name, string? Value)> values)
    {
        var query = "";
        foreach (var (name, value) in values)
            if (value is not null)
                query += $"{(query.Length == 0 ? '?' : '&')}{name}={Uri.EscapeDataString(value)}";
        return path + query;
    }
}
