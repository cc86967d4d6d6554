namespace GemmaScope.Store;

/// <summary>Opens databases of features.</summary>
public static class FeatureDatabase
{
    /// <summary>Opens a database, and brings its tables to this version.</summary>
    /// <param name="where">A file (SQLite), or <c>postgres://user:password@host/database</c>.</param>
    /// <param name="create">Whether a missing file is made.</param>
    /// <exception cref="GemmaScopeException">It cannot be opened, is no such database, or was made by a later version.</exception>
    public static IFeatureDatabase Open(string where, bool create = false)
    {
        if (IsPostgres(where))
            return new SqlFeatureDatabase(new PostgresDialect(where));
        if (string.IsNullOrWhiteSpace(where))
            throw new ArgumentProblemException("is empty; name a file or postgres://…", "database");
        if (Directory.Exists(where))
            throw new ArgumentProblemException("is a folder; name the file of a database", where);
        if (!create && !File.Exists(where))
            throw new ArgumentProblemException("there is no such database; building or importing features makes one", where);
        if (create && Path.GetDirectoryName(Path.GetFullPath(where)) is { } folder)
            Directory.CreateDirectory(folder);
        return new SqlFeatureDatabase(new SqliteDialect(where));
    }

    /// <summary>Bounds what the flow of work that calls this reads from any database from now on: such a reading fails when nobody waits
    /// for it, and when it takes too long.</summary>
    /// <param name="limit">How long one may take; then it ends with a <see cref="GemmaScopeException"/>.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits; the reading then ends with
    /// <see cref="OperationCanceledException"/>.</param>
    public static void BoundReads(TimeSpan limit, CancellationToken cancellationToken) =>
        ReadBounds.Current = new(limit, cancellationToken);

    internal static bool IsPostgres(string where) =>
        where.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
        || where.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);
}
