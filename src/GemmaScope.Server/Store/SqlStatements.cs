using System.Data.Common;
using System.Globalization;

namespace GemmaScope.Server.Store;

/// <summary>Statements with named values on one connection, inside a transaction or not. A text that comes again is prepared once.</summary>
internal sealed class SqlStatements(DbConnection connection, DbTransaction? transaction)
{
    private readonly Dictionary<string, DbCommand> _prepared = [];

    /// <summary>What the key of the table of words is called.</summary>
    public string WordsKey { get; } = connection is Npgsql.NpgsqlConnection ? "id" : "rowid";

    /// <summary>Runs a statement; returns the number of rows it changed.</summary>
    public int Run(string text, params ReadOnlySpan<(string Name, object? Value)> values) => Command(text, values).ExecuteNonQuery();

    /// <summary>The rows of a query.</summary>
    public T[] Rows<T>(string text, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var reader = Command(text, values).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(read(reader));
        return [.. rows];
    }

    /// <summary>The number a query finds, or null.</summary>
    public long? Number(string text, params ReadOnlySpan<(string Name, object? Value)> values) =>
        Command(text, values).ExecuteScalar() is { } found and not DBNull ? Convert.ToInt64(found, CultureInfo.InvariantCulture) : null;

    private DbCommand Command(string text, ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (!_prepared.TryGetValue(text, out var command))
        {
            command = _prepared[text] = connection.CreateCommand();
            (command.CommandText, command.Transaction) = (text, transaction);
        }
        command.Parameters.Clear();
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            // PostgreSQL's text has no U+0000.
            (parameter.ParameterName, parameter.Value) = (name, value is string words ? words.Replace('\0', '\uFFFD') : value ?? DBNull.Value);
            command.Parameters.Add(parameter);
        }
        return command;
    }
}
